"""Addresses of pictures and the files behind them."""

from __future__ import annotations

import pytest

from opticworks_catalog.images import find_file, picture

ROW = {
    "picture": None,
    "stem": "rs-1",
    "version": "ab12",
    "alt": "A sensor",
    "width": 1600,
    "height": 1200,
    "widths": [1200, 400, 800],
    "formats": ["webp", "avif"],
}


def test_a_picture_offers_every_width_in_every_format_best_format_first():
    shown = picture(ROW, {})
    assert list(shown.srcset) == ["image/avif", "image/webp"]
    assert shown.srcset["image/webp"].split(", ")[0] == "/catalog/images/rs-1-400.webp?v=ab12 400w"
    assert shown.src == "/catalog/images/rs-1-800.webp?v=ab12"
    assert (shown.width, shown.height, shown.alt) == (1600, 1200, "A sensor")


def test_a_file_is_found_by_its_name(tmp_path):
    (tmp_path / "rs-1-400.webp").write_bytes(b"picture")
    assert find_file("rs-1-400.webp", tmp_path) == (tmp_path / "rs-1-400.webp", "image/webp")
    assert find_file("rs-1-401.webp", tmp_path) is None


@pytest.mark.parametrize(
    "name",
    ["../secret-400.webp", "..%2Fsecret-400.webp", "secret", "a-0.webp", "a-1.exe", "A-1.webp"],
)
def test_a_name_never_leads_out_of_the_folder(name, tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    (tmp_path / "secret-400.webp").write_bytes(b"secret")
    assert find_file(name, media) is None
