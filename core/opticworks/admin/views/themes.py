"""The storefront's look: what is installed, a preview for staff, and the switch for all."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin.shell import flash
from opticworks.settings import editing
from opticworks.web import preview
from opticworks.web.page import Page
from opticworks.web.policy import admin_view
from opticworks.web.templates import namespace
from opticworks.web.themes import Layer, Theme, ThemeError, lineage

log = logging.getLogger(__name__)

PICTURE = "theme.webp"  #: a theme's own picture of itself, in its static folder


@dataclass(frozen=True, slots=True)
class Card:
    """An installed theme as staff choose it. `problem` keeps it from being used."""

    theme: Theme
    above: str  #: its parents' titles
    picture: str
    in_use: bool
    in_ini: bool
    previewed: bool
    problem: str


def _cards(request: Request) -> list[Card]:
    templates = request.registry.templates
    previewed = preview.theme_of(request, anywhere=True)
    cards = []
    for code, theme in templates.themes.items():
        problem, above, picture = "", "", ""
        try:
            engine = templates.engine(code)
            above = ", ".join(parent.title for parent in lineage(templates.themes, code)[1:])
            if (theme.path / "static" / PICTURE).is_file():
                picture = engine.static(PICTURE)
        except ThemeError as error:
            problem = str(error)
        cards.append(
            Card(
                theme,
                above,
                picture,
                in_use=code == templates.current,
                in_ini=code == templates.default,
                previewed=code == previewed,
                problem=problem,
            )
        )
    return sorted(cards, key=lambda card: (not card.in_use, card.theme.title))


@admin_view(
    "admin.themes", "themes.edit", renderer="admin/themes.pt", request_method=("GET", "HEAD")
)
def themes(request: Request) -> dict[str, Any]:
    cards = _cards(request)
    return {
        "page": Page("Themes"),
        "cards": cards,
        "previewed": next((card.theme.title for card in cards if card.previewed), ""),
    }


def _fault(request: Request, theme: Theme) -> str:
    """What is wrong with the templates of the theme, or empty: each is parsed, and a page is
    shown in its layout."""
    templates = request.registry.templates
    engine, name = templates.engine(theme.code), ""
    try:
        for parent in lineage(templates.themes, theme.code):
            for name, _ in Layer(parent.code, parent.path).files("templates", ".pt"):
                engine.template(name)
        name = "error.pt"
        values = {"status": 404, "title": "", "sentence": "", "reference": ""}
        engine.render(name, {**namespace(request, templates, theme.code), **values})
    except Exception as error:
        log.exception("The theme %r can't be used", theme.code)
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        return f"{theme.title} was not put to use: {name} can't be shown. {reason}"
    return ""


def _chosen(request: Request) -> Theme | None:
    """The theme that the form names, if it can be used; else a message says why not."""
    templates = request.registry.templates
    code = request.POST.get("theme", "")
    try:
        if code not in templates.themes:
            raise ThemeError("This theme is not installed any more. Reload the page.")
        templates.engine(code)
    except ThemeError as error:
        flash(request, str(error), "problem")
        return None
    found: Theme = templates.themes[code]
    return found


@admin_view("admin.theme.preview", "themes.edit", request_method="POST")
def show(request: Request) -> Response:
    """Begin a preview, or end it when no theme is named."""
    if not request.POST.get("theme"):
        response = HTTPSeeOther("/admin/themes")
        preview.stop(request, response)
        flash(request, "The preview has ended. You see what customers see.")
        return response
    theme = _chosen(request)
    if theme is None:
        return HTTPSeeOther("/admin/themes")
    response = HTTPSeeOther("/")
    preview.start(request, response, theme.code)
    return response


@admin_view("admin.theme.use", "themes.edit", request_method="POST")
def use(request: Request) -> Response:
    """Show the shop to everybody in the theme."""
    response = HTTPSeeOther("/admin/themes")
    theme = _chosen(request)
    templates, shop = request.registry.templates, request.shop
    if theme is None:
        return response
    if fault := _fault(request, theme):
        flash(request, fault, "problem")
        return response
    before = templates.current
    row = editing.current(request.db, "theme")
    # The ini's own theme is no choice: what the ini says then holds again.
    data = {"code": theme.code} if theme.code != templates.default else {}
    changes = {"code": [before, theme.code]}
    try:
        actor = request.identity.email
        editing.save(request.db, "theme", data, row.version, actor=actor, changes=changes)
    except editing.Conflict:
        request.db.rollback()
        flash(request, "Somebody else switched the theme just now. Look at it first.", "problem")
        return response
    request.tm.get().addAfterCommitHook(lambda done: shop.settings_changed() if done else None)
    preview.stop(request, response)
    flash(
        request,
        f"The shop is shown in {theme.title} now. Kept pages follow within minutes.",
        undo=(request.path, {"theme": before}) if before != theme.code else None,
    )
    return response
