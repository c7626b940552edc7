"""Staff add pictures to products and collections, put them in order, and say what they show.

Every form works by itself; `catalog/pictures.js` sends the same ones without leaving the page and
then asks for the panel again.
"""

from __future__ import annotations

from typing import Any, cast

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks import kernel
from opticworks.plugin import Crumb, Page, admin_view, flash, whole
from opticworks_catalog import admin, images, pictures_panel, writing
from opticworks_catalog.models import Image, OptionValue
from opticworks_catalog.pictures_panel import Panel, What

EDIT = "catalog.edit"
AT_ONCE = 20  #: files of one form
MOST_BYTES = 100_000_000  #: of one form; a single file has its own limit
PATTERN = "/admin/catalog/{what:(?:products|collections)}/{id:[0-9]{1,18}}/pictures"
ROUTES = (
    ("catalog.admin.pictures", ""),
    ("catalog.admin.pictures.order", "/order"),
    ("catalog.admin.picture", "/{image:[0-9]{1,18}}"),
    ("catalog.admin.picture.delete", "/{image:[0-9]{1,18}}/delete"),
)


def includeme(config: Configurator) -> None:
    for name, rest in ROUTES:
        config.add_route(name, PATTERN + rest)
    config.allow_body("catalog.admin.pictures", MOST_BYTES)
    config.add_template_global("pictures_panel", panel_reader)
    config.scan("opticworks_catalog.pictures_admin")


def panel_reader(request: Request) -> Any:
    """`pictures_panel("products", product_id)` in templates."""
    return lambda what, id: pictures_panel.read(request.db, what, id)


def _what(request: Request) -> tuple[What, int]:
    return cast(What, request.matchdict["what"]), int(request.matchdict["id"])


def _panel(request: Request) -> Panel:
    what, id = _what(request)
    panel = pictures_panel.read(request.db, what, id) if id < 2**63 else None
    if panel is None:
        raise HTTPNotFound(f"There is no such {what.removesuffix('s')}. It may have been deleted.")
    return panel


def _image_id(request: Request, panel: Panel) -> int:
    id = int(request.matchdict["image"])
    if panel.find(id) is None:
        raise HTTPNotFound("There is no such picture. It may have been removed meanwhile.")
    return id


def _page(title: str, panel: Panel, *crumbs: Crumb) -> Page:
    name = panel.what.capitalize()
    root = admin.PATH if panel.what == "products" else admin.COLLECTIONS
    owner = Crumb(title=panel.title, path=f"{root}/{panel.id}")
    above = () if panel.what == "products" else (Crumb(title="Products", path=admin.PATH),)
    return Page(title, crumbs=(*above, Crumb(title=name, path=root), owner, *crumbs))


def _by_script(request: Request) -> bool:
    return bool(request.headers.get("X-Requested-With") == "pictures")


def _done(request: Request, panel: Panel, sentence: str, problems: list[str]) -> Response:
    """Back to the panel with what was done; to the script as data, which it shows itself."""
    if _by_script(request):
        response = request.response
        response.json_body = {"done": sentence, "problems": problems}
        response.content_type = "application/json"
        return cast(Response, response)
    if sentence:
        flash(request, sentence)
    for problem in problems:
        flash(request, problem, "problem")
    back = request.POST.get("back", "")
    mine = panel.path.removesuffix("/pictures")
    return HTTPSeeOther(mine if back == "owner" else panel.path)


def _changed(request: Request, panel: Panel, action: str, **data: Any) -> None:
    """Write down who did what, and let everything follow that follows from a change."""
    subject = f"{panel.what.removesuffix('s')} {panel.id}"
    kernel.audit(request.db, request.identity.email, f"catalog.{action}", subject, **data)
    if panel.what == "products":
        writing.touched(request.db, [panel.id])


@admin_view(
    "catalog.admin.pictures", EDIT, renderer="admin/catalog/pictures.pt", request_method="GET"
)
def show(request: Request) -> dict[str, Any]:
    panel = _panel(request)
    return {"page": _page("Pictures", panel), "panel": panel}


@admin_view("catalog.admin.pictures", EDIT, request_method="POST")
def upload(request: Request) -> Response:
    """Add the files of the form; each that is refused is named with its reason."""
    panel = _panel(request)
    files = [file for file in request.POST.getall("files") if hasattr(file, "file")]
    try:
        return _upload(request, panel, files)
    finally:
        for file in files:
            file.file.close()


def _upload(request: Request, panel: Panel, files: list[Any]) -> Response:
    if not files:
        return _done(request, panel, "", ["Choose one or more files first."])
    if len(files) > AT_ONCE:
        sentence = f"These are {len(files)} files; {AT_ONCE} at once are the most. Choose fewer."
        return _done(request, panel, "", [sentence])
    added, problems = [], []
    for file in files:
        name = images.plain_words(str(file.filename))[:80]
        try:
            _add(request, panel, file.file.read(kernel.MOST_PICTURE_BYTES + 1), name)
            added.append(name)
        except kernel.BadPicture as error:
            problems.append(f"{name}: {error}")
    sentence = ""
    if added:
        _changed(request, panel, "pictures_added", files=added)
        sentence = "1 picture is added." if len(added) == 1 else f"{len(added)} pictures are added."
    return _done(request, panel, sentence, problems)


def _add(request: Request, panel: Panel, content: bytes, name: str) -> None:
    with request.db.begin_nested():  # what one file does is undone without the others'
        if panel.what == "products":
            images.attach(request.db, panel.id, content, name=name)
        else:
            images.attach_to_collection(request.db, panel.id, content, name=name)


@admin_view("catalog.admin.pictures.order", EDIT, request_method="POST")
def order(request: Request) -> Response:
    """The order that was dragged, as ids; or one picture that moves by some places."""
    panel = _panel(request)
    rows = pictures_panel.images_of(request.db, panel.what, panel.id)
    known = {row.id for row in rows}
    move, _, steps = request.POST.get("move", "").partition(":")
    if move:
        if whole(move) not in known or steps not in ("-1", "1"):
            return _done(request, panel, "", ["This picture was removed meanwhile."])
        wanted = pictures_panel.moved(rows, whole(move), int(steps))
    else:
        texts = request.POST.get("ids", "").split(",")
        wanted = [id for id in dict.fromkeys(map(whole, texts)) if id in known]
    if pictures_panel.put_in_order(request.db, rows, wanted):
        _changed(request, panel, "pictures_ordered")
    return _done(request, panel, "The order is saved.", [])


@admin_view("catalog.admin.picture", EDIT, request_method="POST")
def save(request: Request) -> Response:
    """What the picture shows: in words, and for which variants."""
    panel = _panel(request)
    id = _image_id(request, panel)
    image = request.db.get(Image, id)
    ticked = {text for text in request.POST.getall("value") if isinstance(text, str)}
    known = {str(key) for _, values in panel.options for key, _ in values}
    alt = images.plain_words(request.POST.get("alt", "")) or panel.title
    chosen = [int(text) for text in sorted(ticked & known)]
    before = panel.find(id)
    if before is not None and (before.alt, before.values) != (alt, frozenset(chosen)):
        image.alt = alt
        image.values = [request.db.get(OptionValue, key) for key in chosen]
        request.db.flush()
        _changed(request, panel, "picture_changed", picture=id, alt=alt)
    return _done(request, panel, "The picture is saved.", [])


@admin_view(
    "catalog.admin.picture.delete",
    EDIT,
    renderer="admin/catalog/picture_delete.pt",
    request_method="GET",
)
def ask(request: Request) -> dict[str, Any]:
    panel = _panel(request)
    shown = panel.find(_image_id(request, panel))
    return {
        "page": _page("Remove picture", panel, Crumb(title="Pictures", path=panel.path)),
        "panel": panel,
        "shown": shown,
        "effects": [
            ("eye-off", f"{panel.title} is shown without it, at once."),
            ("history", "Orders and mails that show it keep it."),
            ("image", "Its file is thrown away after a week, if nothing else shows it."),
        ],
    }


@admin_view("catalog.admin.picture.delete", EDIT, request_method="POST")
def delete(request: Request) -> Response:
    panel = _panel(request)
    id = _image_id(request, panel)
    request.db.delete(request.db.get(Image, id))
    request.db.flush()
    shown = panel.find(id)
    _changed(request, panel, "picture_removed", picture=id, alt=shown.alt if shown else None)
    return _done(request, panel, "The picture is removed.", [])
