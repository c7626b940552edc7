"""Text that no request is behind is translated by the catalogues beside the templates."""

from __future__ import annotations

import struct
from pathlib import Path

from opticworks.web.engine import Engine
from opticworks.web.themes import Layer, SearchPath


def catalogue(path: Path, texts: dict[str, str]) -> None:
    """A compiled gettext catalogue."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **texts}.items())
    keys = [key.encode() for key, _ in pairs]
    values = [value.encode() for _, value in pairs]
    head, tables = 28, 16 * len(pairs)
    at, blob, where = head + tables, b"", []
    for text in (*keys, *values):
        where.append((len(text), at + len(blob)))
        blob += text + b"\0"
    index = b"".join(struct.pack("<II", *each) for each in where)
    start = struct.pack("<7I", 0x950412DE, 0, len(pairs), head, head + 8 * len(pairs), 0, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(start + index + blob)


def test_the_themes_catalogue_goes_before_the_kernels(tmp_path: Path) -> None:
    where = Path("locale/de/LC_MESSAGES/opticworks.mo")
    both = {"View your order": "Bestellung ansehen", "Total": "Summe"}
    catalogue(tmp_path / "kernel" / where, both)
    catalogue(tmp_path / "theme" / where, {"Total": "Gesamt"})
    (tmp_path / "kernel" / "templates").mkdir()
    page = "<p>Total: <b>${_('View your order')}</b> <i>Else</i></p>"
    (tmp_path / "kernel" / "templates" / "page.pt").write_text(page)
    layers = [Layer("theme", tmp_path / "theme"), Layer("kernel", tmp_path / "kernel")]
    engine = Engine("test", SearchPath(layers))
    gettext = engine.gettext("de_DE")
    assert [gettext(text) for text in ("Total", "View your order", "Else", "")] == [
        "Gesamt",
        "Bestellung ansehen",
        "Else",
        "",
    ]
    assert "Bestellung ansehen" in engine.render("page", {"_": gettext, "gettext": gettext})
    assert engine.gettext("en_US")("Total") == "Total"
