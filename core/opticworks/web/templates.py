"""Pages: every theme's engine, the names that templates may use, and Pyramid's `.pt` renderer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date as Day
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone_name
from babel.numbers import format_decimal, format_percent
from pyramid.csrf import get_csrf_token

from opticworks.contracts import PriceDisplay, ShopSettings, SlotFragment, speaking
from opticworks.money import Money
from opticworks.web.engine import Engine, Markup
from opticworks.web.page import Page, json_block
from opticworks.web.parts import Parts
from opticworks.web.pictures import picture_html
from opticworks.web.policy import is_admin
from opticworks.web.themes import (
    PROTECTED,
    Layer,
    SearchPath,
    Theme,
    ThemeError,
    installed_themes,
)
from opticworks.web.totals import totals
from opticworks.web.translations import Words

log = logging.getLogger(__name__)

CSRF_FIELD = "csrf_token"

ENGLISH = Words()

#: htmx without anything that a strict content security policy forbids. Answers that explain a
#: refusal (409, 422) are shown in place; other failures leave the page as it is.
HTMX_CONFIG = json.dumps(
    {
        "includeIndicatorStyles": False,
        "allowEval": False,
        "allowScriptTags": False,
        "selfRequestsOnly": True,
        "attributesToSettle": ["class"],  # a style attribute would be refused
        "historyCacheSize": 0,
        "refreshOnHistoryMiss": True,
        "timeout": 15000,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "4(09|22)", "swap": True, "error": False},
            {"code": "[45]..", "swap": False, "error": True},
        ],
    }
)


class Templates:
    """All themes of one process: an Engine for each, made when it is first asked for.

    `layers` are those below every theme: the enabled plugins in the order of the ini, then the
    kernel's. `chosen` is the theme that staff chose, or empty. `globals` (name -> function of the
    request) adds names to every page's namespace.
    """

    def __init__(
        self,
        themes: Mapping[str, Theme],
        default: str,
        layers: Iterable[Layer] = (),
        *,
        auto_reload: bool = False,
        chosen: Callable[[], str] = lambda: "",
    ) -> None:
        self.themes = dict(themes)
        self.default = default
        self.chosen = chosen
        self.layers = tuple(layers)
        self.auto_reload = auto_reload
        self.globals: dict[str, Callable[[Any], Any]] = {}
        self._engines: dict[str, Engine] = {}
        self._words: dict[tuple[str, str], Words] = {}
        self._parts: dict[tuple[str, str], Parts] = {}
        self._refused: set[str] = set()
        self._failed: set[tuple[str, str, str, int]] = set()
        self.engine(default)  # a theme that is missing stops the start, not the first page

    @property
    def current(self) -> str:
        """The theme that customers see: the one that staff chose, else the ini's. One that is not
        installed any more is logged once and left alone: the shop goes on in the ini's."""
        code = self.chosen()
        if not code or code in self._refused:
            return self.default
        try:
            self.engine(code)
        except ThemeError as error:
            self._refused.add(code)
            log.error("%s The shop is shown in the theme %r.", error, self.default)
            return self.default
        return code

    def engine(self, theme: str | None = None) -> Engine:
        """The engine of that theme, or of the one customers see. Raises ThemeError."""
        code = self.current if theme is None else theme
        engine = self._engines.get(code)
        if engine is None:
            path = SearchPath.of_theme(self.themes, code, self.layers)
            engine = Engine(code, path, auto_reload=self.auto_reload)
            self._engines[code] = engine
        return engine

    def words(self, request: Any) -> Words:
        """What translates the texts of that request's page: the catalogues of its theme. Screens
        of the admin are in English, whatever the shop's customers read."""
        if is_admin(request):
            return ENGLISH
        theme, locale = theme_of_page(request, self), request.locale_name
        return self._words.get((theme, locale)) or self._spoken(theme, locale)

    def _spoken(self, theme: str, locale: str) -> Words:
        words = self._words.get((theme, locale))
        if words is None:
            words = self._words[theme, locale] = self.engine(theme).gettext(locale)
        return words

    def parts(self, request: Any, engine: Engine) -> Parts:
        """What all pages of that theme share, in the request's language and under the settings as
        they are now, with the parts of pages that are made of it."""
        shop, words = request.shop, request.words
        key, version = (engine.theme, words.locale), shop.settings_version
        known = self._parts.get(key)
        if known is None or known.version != version or known.engine is not engine:
            if words.locale:  # the page may be shown in the parent of a theme that failed
                words = self._spoken(engine.theme, words.locale)
            names = {
                **engine_names(engine),
                **format_names(shop.settings["shop"].written_in(words.locale)),
                "shop": shop.settings["shop"],
                "mode": shop.config.mode,
                "base_url": shop.config.base_url,
                **language_names(words),
                "quoted": partial(quote, safe=""),
            }
            known = self._parts[key] = Parts(engine, names, version)
        return known

    def render(self, name: str, namespace: Mapping[str, Any], theme: str | None = None) -> str:
        """The text of the template `name` in that theme."""
        return self.engine(theme).render(name, namespace)

    def render_safely(self, theme: str, render: Callable[[str, str], str], name: str) -> str:
        """What `render(theme, "")` answers for the template `name`.

        When the theme fails, so that its mistake keeps nobody from buying, what
        `render(parent, title)` answers for its parent, with the title of the one that failed.
        Raises what the last of them raises; screens of the admin have no theme and raise at once.
        """
        failed = ""
        while True:
            try:
                return render(theme, failed)
            except Exception as error:
                broken = self.themes[theme]
                if not broken.parent or name.startswith(PROTECTED):
                    raise
                self._log_failure(broken, name, type(error).__name__)
            theme, failed = broken.parent, failed or broken.title

    def _log_failure(self, broken: Theme, name: str, kind: str) -> None:
        """Log the exception at hand, once for this template until the theme is changed: a page
        that everybody visits would fill the log with the same traceback."""
        key = (broken.code, name, kind, last_change(broken.path / "templates"))
        if key in self._failed:
            return
        self._failed.add(key)
        log.exception(
            "The theme %r failed in %s; %r, its parent, is used instead. This is said once until "
            "a template of the theme changes.",
            broken.code,
            name,
            broken.parent,
        )

    def gettext(self, locale: str) -> Words:
        """What translates text that no request is behind, such as mails."""
        return self.engine().gettext(locale)


def last_change(folder: Path) -> int:
    """When a file below the folder changed last, in nanoseconds; 0 when there is none."""
    times = [0]
    for path in folder.rglob("*"):
        with suppress(OSError):  # deleted in between
            times.append(path.stat().st_mtime_ns)
    return max(times)


def kernel_layers(root: Path | None = None) -> tuple[Layer, ...]:
    """The kernel's own layers: every package of it that has templates or static files."""
    root = root or Path(__file__).resolve().parent.parent
    return tuple(
        Layer(f"kernel:{folder.name}", folder)
        for folder in sorted(root.iterdir())
        if (folder / "templates").is_dir() or (folder / "static").is_dir()
    )


def build_templates(shop: Any) -> Templates:
    """The templates of a shop: its theme over its enabled plugins over the kernel.

    Raises ThemeError when the theme that the ini names is not installed or broken.
    """
    plugins = [
        Layer(plugin.code, path)
        for plugin in shop.plugins.enabled
        if (path := plugin.package_path) is not None
    ]
    return Templates(
        installed_themes(),
        shop.config.theme,
        [*plugins, *kernel_layers()],
        auto_reload=shop.config.mode == "development",
        chosen=lambda: shop.settings["theme"].code,
    )


def slot_fragments(
    hooks: Any, name: str, context: Mapping[str, Any], ctx: Any
) -> list[SlotFragment]:
    """What plugins put into the slot, by position, then in the order of the ini.

    Each plugin is asked by itself: one that fails is logged and left out.
    """
    fragments: list[SlotFragment] = []
    arguments = {"name": name, "context": context, "ctx": ctx}
    for implementation in reversed(hooks.slot.get_hookimpls()):
        try:
            answer = implementation.function(
                *[arguments[argument] for argument in implementation.argnames]
            )
            fragments.extend(answer or ())
        except Exception:
            log.exception("Plugin %s failed in the slot %s", implementation.plugin_name, name)
    return sorted(fragments, key=lambda fragment: fragment.position)


def render_slot(
    engine: Engine,
    fragments: list[SlotFragment],
    names: Mapping[str, Any],
    context: Mapping[str, Any],
) -> Iterator[Markup]:
    """Each fragment's HTML; one that can't be rendered is logged and left out."""
    for fragment in fragments:
        values = {**context, **fragment.data}
        try:
            if fragment.pure and "part" in names:
                text = names["part"](fragment.template, **values)
            else:
                text = engine.render(fragment.template, {**names, **values})
        except Exception:
            log.exception("The slot fragment %s could not be rendered", fragment.template)
        else:
            yield Markup(text)


def format_names(settings: ShopSettings) -> dict[str, Any]:
    """The names that write money and times as the shop's customers read them."""
    zone = ZoneInfo(settings.timezone)

    def money(amount: Money) -> str:
        return amount.format(settings.locale)

    def date(moment: datetime | Day) -> str:
        day = moment.astimezone(zone) if isinstance(moment, datetime) else moment
        return format_date(day, "long", locale=settings.locale)

    american = settings.locale.startswith("en_US")
    long = Locale.parse(settings.locale).date_formats["long"].pattern  # "d. MMMM y" in German
    pattern = "MMMM d, y 'at' h:mm a" if american else f"{long}, HH:mm"
    # Few languages have a short name for zones elsewhere: "GMT-05:00" then, and not "-0500".
    short = get_timezone_name(datetime.now(zone), "short", locale=settings.locale)
    pattern += " zzz" if short[-1:].isalpha() else " OOOO"

    def date_time(moment: datetime) -> str:
        return format_datetime(moment, pattern, tzinfo=zone, locale=settings.locale)

    def country(code: str) -> str:
        return str(Locale.parse(settings.locale).territories.get(code, code))

    def percent(rate: Decimal) -> str:
        return format_percent(rate, locale=settings.locale, decimal_quantization=False)

    def decimal(number: Decimal) -> str:
        return format_decimal(number, "0.0", settings.locale)

    return {
        "money": money,
        "percent": percent,
        "decimal": decimal,
        "date": date,
        "datetime": date_time,
        "country": country,
        "totals": totals,
    }


def language_names(words: Words) -> dict[str, Any]:
    """The names that translate a page's texts."""
    locale = words.locale or "en"
    return {
        "locale": locale,
        "lang": locale.replace("_", "-"),
        "_": words,
        "gettext": words,
        "plural": words.plural,
    }


def engine_names(engine: Engine) -> dict[str, Any]:
    """The names that depend on nothing but the theme."""
    return {
        "static": engine.static,
        "icon": engine.icon,
        "json_block": json_block,
        "picture_html": picture_html,
        "theme": engine.theme,
        "htmx_config": HTMX_CONFIG,
    }


def theme_of_page(request: Any, templates: Templates) -> str:
    """The theme that the page is shown in: the previewed one, else that of all customers."""
    return getattr(request, "theme", None) or templates.current


def namespace(request: Any, templates: Templates, theme: str = "") -> dict[str, Any]:
    """Every name that a page's template may use besides what its view returns."""
    engine = templates.engine(theme or theme_of_page(request, templates))
    settings: ShopSettings = request.shop.settings["shop"]
    shared = templates.parts(request, engine)

    def url(route: str, *elements: Any, **kw: Any) -> str:
        return str(request.route_path(route, *elements, **kw))

    def csrf() -> Markup:
        return Markup(
            f'<input type="hidden" name="{CSRF_FIELD}" value="{get_csrf_token(request)}" />'
        )

    names: dict[str, Any] = {
        **shared.names,
        "request": request,
        "test_mode": request.shop.providers.in_test_mode(),
        "url": url,
        "csrf": csrf,
        "page": Page(settings.name, full_title=True),
        "display": PriceDisplay(),
        "plugin_problems": (),
        "footer_pages": (),
        "errors": {},
        "error": "",
        "message": "",
        "theme_failed": "",
    }
    names["slot"] = partial(_slot, request, engine, names)
    for name, make in templates.globals.items():
        try:
            names[name] = make(request)
        except Exception:
            # The page that says that the database is down needs its footer least of all.
            log.exception("The template global %s could not be made", name)
    return names


def _slot(
    request: Any, engine: Engine, names: Mapping[str, Any], name: str, /, **context: Any
) -> list[Markup]:
    fragments = slot_fragments(request.hooks, name, context, request.ctx)
    return list(render_slot(engine, fragments, names, context))


class Renderer:
    """Pyramid's renderer for one search-path name ("cart.pt", "catalog/product.pt")."""

    def __init__(self, templates: Templates, name: str) -> None:
        self.templates = templates
        self.name = name

    def __call__(self, value: Any, system: Mapping[str, Any]) -> str:
        request = system["request"]

        def render(theme: str, failed: str) -> str:
            names = namespace(request, self.templates, theme)
            names.update(
                view=system.get("view"), context=system.get("context"), theme_failed=failed
            )
            names.update(value or {})
            try:
                return self.templates.render(self.name, names, theme)
            finally:
                names.clear()  # `slot` knows them, so they would wait for the collector

        theme = theme_of_page(request, self.templates)
        return self.templates.render_safely(theme, render, self.name)


def spoken_view(view: Any, info: Any) -> Any:
    """What a view and its templates say with `say`, they say in the language of the page."""

    def in_its_language(context: Any, request: Any) -> Any:
        before = speaking.set(request.words)
        try:
            return view(context, request)
        finally:
            speaking.reset(before)

    return in_its_language


def add_template_global(config: Any, name: str, function: Callable[[Any], Any]) -> None:
    """Directive: `function(request)` gives the value of `name` in every page's template."""
    config.registry.templates.globals[name] = function


def includeme(config: Any) -> None:
    """Make `.pt` renderers over the shop's templates.

    Sets `config.registry.templates` and adds the directive `add_template_global`. The templates
    are built anew, since a plugin may have been left out after the shop was started.
    """
    shop = config.registry.shop
    templates = shop.templates = config.registry.templates = build_templates(shop)
    config.add_directive("add_template_global", add_template_global, action_wrap=False)
    config.add_renderer(".pt", lambda info: Renderer(templates, info.name))
    config.add_request_method(templates.words, "words", reify=True)
    config.add_view_deriver(spoken_view)
