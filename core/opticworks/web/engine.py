"""The template engine: Chameleon over our own search path, one per theme.

Templates find each other with `tpl(name)` and `parent(name)`, never with Chameleon's `load:`,
which knows nothing of the search path (and is therefore switched off here). Each template is
parsed once per theme; in development a changed file is parsed again.
"""

from __future__ import annotations

import hashlib
import marshal
import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from pathlib import Path
from types import CodeType
from typing import Any

from chameleon import PageTemplate, PageTemplateFile
from chameleon.config import CACHE_DIRECTORY
from chameleon.exc import LanguageError
from chameleon.i18n import simple_translate
from chameleon.loader import MemoryLoader
from chameleon.namespaces import I18N_NS
from chameleon.zpt.program import MacroProgram as OwnProgram
from chameleon.zpt.template import Macro

from opticworks.web import memory
from opticworks.web.themes import PROTECTED, SearchPath
from opticworks.web.translations import Words, translator

#: Attributes whose text is translated, besides the text of elements.
TRANSLATED = frozenset(
    {
        "aria-label",
        "alt",
        "placeholder",
        "title",
        "data-failed",
        "data-removed",
        "data-undo",
        "data-copied",
    }
)
#: Attributes that are there or not; Chameleon's own list is that of HTML 4.
BOOLEAN = frozenset(
    {
        "async",
        "autofocus",
        "checked",
        "defer",
        "disabled",
        "hidden",
        "multiple",
        "novalidate",
        "open",
        "readonly",
        "required",
        "selected",
    }
)
DIGEST_SECONDS = 1.0  #: how long development believes the digest of the static files


class TemplateNotFound(LookupError):
    """No layer of the theme's search path has a template of that name."""


class Markup(str):
    """Text that is HTML already: Chameleon writes it as it is."""

    def __html__(self) -> str:
        return str(self)


class MacroProgram(OwnProgram):  # the compiler goes by the name of the class
    """Chameleon's program of a template, in which an element with `i18n:translate=""` is one text.

    What is inside it is either markup without values (`<br />`, `<b>so</b>`), which translators
    see, or has a name (`<strong i18n:name="email">`), which stands in the text as `${email}`.
    Chameleon would translate the pieces by themselves first, since texts are translated here
    without being marked, and put the whole together only when the page is made.
    """

    def visit_element(self, start: Any, end: Any, children: Any) -> Any:
        marks = start["ns_attrs"]
        outer = self.implicit_i18n_translate
        if marks.get((I18N_NS, "translate")) == "" and outer:
            marks[I18N_NS, "translate"] = text_with_names(children)
            self.implicit_i18n_translate = False
        elif (I18N_NS, "name") in marks:
            self.implicit_i18n_translate = True
        try:
            return super().visit_element(start, end, children)  # type: ignore[no-untyped-call]
        finally:
            self.implicit_i18n_translate = outer


def text_with_names(children: Any) -> str:
    """What an element says, as translators see it. Raises LanguageError for what has no name."""
    said = []
    for kind, parts in children:
        if kind == "text":
            (text,) = parts
            if "${" in text:
                raise LanguageError("Give the value inside this text an i18n:name.", text)
            said.append(text)
        elif kind == "element":
            start, end, inner = parts
            if name := start["ns_attrs"].get((I18N_NS, "name")):
                said.append(f"${{{name}}}")
                continue
            attributes = [f' class="{each["value"]}"' for each in start["attrs"]]
            if [each["name"] for each in start["attrs"]] not in ([], ["class"]):
                raise LanguageError("Give what is inside this text an i18n:name.", start["name"])
            said.append(f"{start['prefix']}{start['name']}{''.join(attributes)}{start['suffix']}")
            said.append(text_with_names(inner))
            if end:
                said.append(f"{end['prefix']}{end['name']}{end['suffix']}")
    return " ".join("".join(said).split())


@cache
def _own_digest() -> str:
    """What compiles templates here beside Chameleon: code kept on the disk ends with a change."""
    return hashlib.sha1(Path(__file__).read_bytes()).hexdigest()


class Names(dict[str, Any]):
    """The names that a template sees, as Chameleon's `Scope`, which it replaces.

    A page copies its names for every macro it uses. Chameleon's own class overrides the methods
    of a dict in Python, which made copying and looking up names a third of the work of a page.
    """

    __slots__ = ("root",)

    root: Any
    get_name = getname = dict.__getitem__

    def __missing__(self, key: str) -> Any:
        """A name that was defined as `global` after this scope was copied."""
        root = getattr(self, "root", self)
        if root is self or key not in root:
            raise NameError(key)
        return root[key]

    def copy(self) -> Names:
        inner = Names(self)
        inner.root = getattr(self, "root", self)
        return inner

    @property
    def vars(self) -> Mapping[str, Any]:
        return self

    set_local = setLocal = dict.__setitem__

    def set_global(self, name: str, value: Any) -> None:
        getattr(self, "root", self)[name] = value

    setGlobal = set_global


class Compiler(MemoryLoader):
    """Makes code of templates, or takes code that another process has made."""

    def __init__(self) -> None:
        self.made: dict[str, bytes] = {}  #: code as `marshal` writes it, by names of modules
        self.noting = False  #: whether code that is made here is put there

    def get(self, name: str) -> Any:
        """The module of that name, if its code was made elsewhere; asked for once."""
        made = self.made.pop(name, None)
        return None if made is None else self._run(marshal.loads(made))

    def build(self, source: str, filename: str) -> dict[str, Any]:
        code = compile(source, filename, "exec")
        if self.noting:
            self.made[filename] = marshal.dumps(code)
        return self._run(code)

    @staticmethod
    def _run(code: CodeType) -> dict[str, Any]:
        module: dict[str, Any] = {}
        exec(code, module)
        return module


class Macros(dict[str, Macro]):
    """A template's macros, made once; Chameleon makes a new object for each use of one."""

    def __missing__(self, name: str) -> Macro:
        known = self.get(name.replace("-", "_"))
        if known is None:
            raise KeyError(f"There is no macro {name!r}.")
        return known


class Template(PageTemplateFile):
    """A template file without the expression type `load:`, its names in a `Names`."""

    expression_types = PageTemplate.expression_types
    prepend_relative_search_path = False

    _render: Callable[..., None]
    macros: Any

    def digest(self, body: str, names: Collection[str]) -> str:
        """A name for the module. Chameleon's own holds the version of every package that is
        installed, for modules that are kept on the disk: four megabytes and most of a second."""
        if not isinstance(self.loader, Compiler):
            return str(super().digest(body, [*names, _own_digest()]))
        return hashlib.sha1(f"{self.filename}\n{body}".encode()).hexdigest()

    def parse(self, body: str) -> MacroProgram:
        return MacroProgram(  # type: ignore[no-untyped-call]
            body,
            self.mode,
            self.filename,
            escape=self.mode == "xml",
            default_marker=self.default_marker,
            boolean_attributes=self.boolean_attributes,
            implicit_i18n_translate=self.implicit_i18n_translate,
            implicit_i18n_attributes=self.implicit_i18n_attributes,
            trim_attribute_space=self.trim_attribute_space,
            enable_data_attributes=self.enable_data_attributes,
            enable_comment_interpolation=self.enable_comment_interpolation,
            restricted_namespace=self.restricted_namespace,
            tokenizer=self.tokenizer,
        )

    def cook(self, body: str) -> None:
        super().cook(body)
        render: Callable[..., None] = self._render

        def render_with(stream: list[str], names: Any, *args: Any, **kw: Any) -> None:
            if type(names) is not Names:
                names = Names(dict.items(names))
            render(stream, names, *args, **kw)

        self._render = render_with
        if not self.auto_reload:  # else each use of one looks whether the file has changed
            prefix = "_render_"
            self.macros = Macros(
                (name.removeprefix(prefix), Macro(function))
                for name, function in self.__dict__.items()
                if name.startswith(prefix)
            )


class Engine:
    """Templates and static files of one theme. Safe to use from many threads."""

    def __init__(self, theme: str, path: SearchPath, *, auto_reload: bool = False) -> None:
        self.theme = theme
        self.path = path
        self.auto_reload = auto_reload
        self._templates: dict[tuple[str, int], Template] = {}
        self._icons: dict[tuple[str, str], Markup] = {}
        # With CHAMELEON_CACHE, Chameleon's own loader keeps the code on the disk instead.
        self._compiler = None if CACHE_DIRECTORY else Compiler()
        self._parsing = threading.RLock()
        self._digest = ""
        self._digest_at = 0.0

    def template(self, name: str, start: int = 0) -> Template:
        """The template `name` ("cart.pt" or "cart"), looked for from layer `start` on.

        Raises TemplateNotFound.
        """
        if not name.endswith(".pt"):
            name += ".pt"
        cached = self._templates.get((name, start))
        if cached is not None and not self.auto_reload:
            return cached
        found = self.path.find("templates", name, start)
        if found is None:
            where = ", ".join(layer.name for layer in self.path.layers[start:]) or "nothing"
            raise TemplateNotFound(
                f"There is no template {name!r} in the theme {self.theme!r} (searched: {where})."
            )
        index, path = found
        with self._parsing:
            cached = self._templates.get((name, start))
            if cached is None or Path(str(cached.filename)) != path.absolute():
                cached = self._parse(path, index)
                # Compiled before anyone else sees it: two threads must not compile one template.
                cached.cook_check()
                self._templates[name, start] = cached
        return cached

    def compile(self) -> None:
        """Make every template that customers see, before the first of them asks.

        Compiling leaves ten megabytes of holes between what stays: a child does it, and this
        process takes the code. To be called before there are threads.
        """
        if self._compiler is not None:
            self._compiler.made = memory.apart(partial(self._code, self._compiler))
        self._make_all()

    def _code(self, compiler: Compiler) -> dict[str, bytes]:
        compiler.noting = True
        self._make_all()
        return compiler.made

    def _make_all(self) -> None:
        for layer in self.path.layers:
            for name, _ in layer.files("templates", ".pt"):
                if not name.startswith(PROTECTED):
                    self.template(name)

    def _parse(self, path: Path, index: int) -> Template:
        """Make the template; inside it `parent(name)` starts below its own layer."""
        template = Template(
            str(path),
            auto_reload=self.auto_reload,
            translate=simple_translate,
            boolean_attributes=BOOLEAN,
            implicit_i18n_translate=True,
            implicit_i18n_attributes=set(TRANSLATED),
        )
        if self._compiler is not None:
            template.loader = self._compiler
        template.extra_builtins = {
            "tpl": self.template,
            "parent": partial(self.template, start=index + 1),
        }
        return template

    def render(self, name: str, namespace: Mapping[str, Any]) -> str:
        """The text of the template `name`. `gettext` in the namespace, which are
        Words, translates its text."""
        names = dict(namespace)
        if (words := names.get("gettext")) is not None:
            names["translate"] = words.element
        return str(self.template(name).render(**names))

    def gettext(self, locale: str) -> Words:
        """What translates into the language of that locale."""
        return translator(self.path.layers, locale)

    @property
    def digest(self) -> str:
        """What the addresses of static files carry: it changes when one of them changes."""
        if self._digest and not self.auto_reload:
            return self._digest
        now = time.monotonic()
        if not self._digest or now - self._digest_at > DIGEST_SECONDS:
            self._digest = self.path.digest("static", by_time=self.auto_reload)
            self._digest_at = now
        return self._digest

    def static(self, name: str) -> str:
        """The address of the static file `name`; it may be kept for ever.

        The digest is that of all files of the theme, so that addresses inside a style sheet
        (fonts, pictures), which are relative to it, change with the files they name.
        """
        return f"/assets/{self.theme}/{self.digest}/{name}"

    def icon(self, name: str, cls: str = "") -> Markup:
        """The icon `static/icons/<name>.svg` as inline SVG, hidden from screen readers.

        An icon that does not exist is nothing: a page must not fail for a missing picture.
        """
        if not self.auto_reload and (name, cls) in self._icons:
            return self._icons[name, cls]
        found = self.path.find("static", f"icons/{name}.svg")
        if found is None:
            return Markup("")
        svg = found[1].read_text(encoding="utf-8").strip()
        classes = " ".join(filter(None, ("icon", cls)))
        markup = Markup(
            svg.replace("<svg", f'<svg class="{classes}" aria-hidden="true" focusable="false"', 1)
        )
        self._icons[name, cls] = markup
        return markup
