"""Pictures from upload to page: kept once, made by a job, served for ever, swept when unused."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from PIL import Image
from sqlalchemy import func, select

from opticworks import kernel
from opticworks.jobs.testing import drain, run_task
from opticworks.media.models import StoredPicture
from opticworks.media.store import Folder, LocalImages
from opticworks.testing import ImageStoreContract, pictures
from opticworks.testing.fakes import FakeImageStore, fake_plugin, provider_plugin
from opticworks.testing.shops import Browser

a_picture = partial(pictures.a_picture, width=1200, height=800)


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


def test_the_job_again_changes_nothing_and_a_lost_original_begins_anew(shop):
    ref = add(shop, a_picture())
    drain(shop)
    before = shown(shop, ref.id)
    run_task(shop, "media.make", picture=ref.id)
    assert shown(shop, ref.id) == before

    (original,) = (path for path in (shop.config.var / "media/originals").rglob("*.jpeg"))
    original.unlink()
    again = add(shop, a_picture())
    assert (again.id, again.ready, original.is_file()) == (ref.id, False, True)
    drain(shop)
    assert shown(shop, ref.id) == before


def undone(context, db, content):
    """Add a picture in a transaction, or a savepoint, that then fails."""
    with suppress(ZeroDivisionError), context as inner:
        kernel.add_picture(db or inner, content)
        raise ZeroDivisionError


def test_a_transaction_that_fails_leaves_no_file(shop):
    undone(shop.unit(), None, a_picture())
    assert (count(shop), kept(shop)) == (0, set())
    with shop.unit() as db:
        undone(db.begin_nested(), db, a_picture())
        other = kernel.add_picture(db, a_picture(width=501))
    assert count(shop) == 1
    assert all(other.id in name for name in kept(shop))
    assert len(kept(shop)) == 2


def test_a_file_that_is_no_picture_leaves_nothing(shop):
    with pytest.raises(kernel.BadPicture, match="damaged or incomplete"):
        add(shop, a_picture()[:2000])
    assert (count(shop), kept(shop)) == (0, set())


def test_two_at_the_same_time_are_one_picture(shop):
    with ThreadPoolExecutor(4) as pool:
        refs = list(pool.map(lambda _: add(shop, a_picture()), range(4)))
    assert len({ref.id for ref in refs}) == 1
    assert count(shop) == 1
    assert len(kept(shop)) == 2  # the original and the first file


def test_files_are_served_for_ever_with_their_type(shop):
    ref = add(shop, a_picture())
    browser = Browser(shop)
    path = f"/media/{ref.id}/960.jpg"
    answer = browser.get(path)
    assert answer.content_type == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    browser.get(path, headers={"If-None-Match": answer.headers["ETag"]}, status=304)
    head = browser.head(path)
    assert (head.content_length, head.body) == (len(answer.body), b"")


@pytest.mark.parametrize(
    "path",
    [
        "/media/{id}/961.jpg",
        "/media/{id}/960.JPG",
        "/media/{id}/..%2F960.jpg",
        "/media/..%2F..%2Foriginals/960.jpg",
        "/media/%2e%2e/secret",
        "/media/{id}/960.jpeg",
        "/media/{id}/",
        "/media/aaaaaaaaaaaaaaaa/960.jpg",
        "/media/{id}/0960.jpg",
    ],
)
def test_any_other_address_is_not_found(shop, path):
    ref = add(shop, a_picture())
    (shop.config.var / "media" / "secret").write_text("secret")
    Browser(shop).get(path.format(id=ref.id), status=404)


def later(shop, days):
    now = shop.now()
    shop.now = lambda: now + timedelta(days=days)
    run_task(shop, "media.sweep")


def test_a_picture_that_nobody_shows_is_thrown_away_after_a_week(make_shop):
    used = set()
    shows = fake_plugin("shows", pictures_used=lambda ids: [id for id in ids if id in used])
    shop = make_shop(extra={"shows": shows})
    ref = add(shop, a_picture(), owner="shows")
    drain(shop)
    later(shop, 1)
    later(shop, 6)
    used.add(ref.id)  # somebody shows it again: the week begins anew
    later(shop, 7)
    used.clear()
    later(shop, 1)
    later(shop, 6)
    assert shown(shop, ref.id).id == ref.id
    later(shop, 2)
    assert (count(shop), kept(shop)) == (0, set())
    assert add(shop, a_picture()).id != ref.id


def test_a_picture_of_a_plugin_that_does_not_run_stays(shop):
    ref = add(shop, a_picture(), owner="resting")
    later(shop, 1)
    later(shop, 30)
    assert shown(shop, ref.id).id == ref.id


def test_nothing_is_thrown_away_while_a_plugin_cannot_answer(make_shop):
    def fail(ids):
        raise ZeroDivisionError

    shop = make_shop(extra={"broken": fake_plugin("broken", pictures_used=fail)})
    add(shop, a_picture())
    with pytest.raises(ZeroDivisionError):
        later(shop, 1)
    assert count(shop) == 1


def test_hook_image_stores_keep_clean_pictures(make_shop):
    store = FakeImageStore()
    shop = make_shop(extra={"cloud": provider_plugin("cloud", image_stores=[store])})
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera Inc"
    ref = add(shop, a_picture(exif=exif))
    drain(shop)
    ((content, kind),) = store.kept.values()
    clean = Image.open(io.BytesIO(content))
    assert (kind, clean.size, dict(clean.getexif())) == ("image/jpeg", (800, 1200), {})
    (id,) = store.kept
    picture = shown(shop, ref.id)
    assert picture.src == f"https://images.example/{id}/800.jpg"
    assert f"https://images.example/{id}/320.avif 320w" in picture.srcset["image/avif"]
    later(shop, 1)
    later(shop, 8)
    assert (store.kept, count(shop)) == ({}, 0)


class TestLocalImages(ImageStoreContract):
    @pytest.fixture
    def provider(self, tmp_path):
        return LocalImages(Folder(tmp_path / "media"))

    def stored(self, provider):
        return sum(1 for path in (provider.folder.root / "files").glob("*/*"))
