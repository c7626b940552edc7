"""Pictures from upload to page: kept once, made by a job, served for ever, swept when unused."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from sqlalchemy import func, select

from opticworks import kernel
from opticworks.jobs.testing import drain
from opticworks.media.models import StoredPicture
from opticworks.testing.shops import Browser


def a_picture(width=1200, height=800, colour=(180, 40, 40), kind="JPEG", **options):
    picture = Image.new("RGB", (width, height), colour)
    return encoded(picture, kind, **options)


def encoded(picture, kind="JPEG", **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture
def shop(make_shop):
    return make_shop()


def add(shop, content, **options):
    with shop.unit() as db:
        return kernel.add_picture(db, content, **options)


def shown(shop, id):
    with shop.unit() as db:
        return kernel.pictures(db, [id])[id]


def count(shop):
    with shop.unit() as db:
        return db.scalar(select(func.count()).select_from(StoredPicture))


def kept(shop):
    """Every file that the shop keeps, by its place in the media folder."""
    root = shop.config.var / "media"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_a_picture_is_there_at_once_and_in_every_width_after_its_job(shop):
    ref = add(shop, a_picture(), name="front.jpg", alt="The front")
    before = shown(shop, ref.id)
    assert (before.width, before.height, before.alt) == (1200, 800, "The front")
    assert (before.src, before.srcset) == (f"/media/{ref.id}/960.jpg", {})

    drain(shop)
    after = shown(shop, ref.id)
    assert (after.src, after.width, after.height) == (before.src, 1200, 800)
    for kind in ("avif", "webp"):
        assert after.srcset[f"image/{kind}"] == ", ".join(
            f"/media/{ref.id}/{width}.{kind} {width}w" for width in (320, 640, 960, 1200)
        )
    browser = Browser(shop)
    for kind, set_ in after.srcset.items():
        for path, width in (entry.split(" ") for entry in set_.split(", ")):
            answer = browser.get(path)
            assert answer.content_type == kind
            assert Image.open(io.BytesIO(answer.body)).width == int(width[:-1])


def test_the_same_bytes_are_the_same_picture(shop):
    first = add(shop, a_picture(), owner="catalog")
    drain(shop)
    before = kept(shop)
    second = add(shop, a_picture(), owner="reviews")
    assert second.id == first.id
    assert second.ready
    assert (count(shop), kept(shop)) == (1, before)
