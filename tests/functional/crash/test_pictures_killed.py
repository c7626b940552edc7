"""Whatever kills the process that adds a picture, makes its files or throws it away: the next one
finishes, and nothing is half there."""

from __future__ import annotations

import itertools
import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from opticworks import kernel
from opticworks.jobs import defer
from opticworks.jobs.testing import run_task
from opticworks.media.models import StoredPicture
from opticworks.testing.pictures import a_picture

DAY = 86_400.0
ADD = "opticworks.testing.pictures:add"
_widths = itertools.count(655)  # every test has a picture of its own


def files(street, id: str) -> set[str]:
    folder = Path(street.house.folder) / "media" / "files" / id[:2] / id
    return {path.name for path in folder.glob("*")}


def row(street, id: str) -> StoredPicture | None:
    with street.shop.unit() as db:
        return db.scalar(select(StoredPicture).where(StoredPicture.public_id == id))


def add(street) -> tuple[str, int]:
    width = next(_widths)
    with street.shop.unit() as db:
        return kernel.add_picture(db, a_picture(width)).id, width


@pytest.mark.parametrize(
    "fault",
    [
        "picture_put.before_provider",
        "picture_put.after_provider",
        "picture_made.before_commit",
        "picture_made.after_commit",
    ],
)
def test_the_files_are_made_whatever_kills_the_worker(street, fault: str) -> None:
    id, width = add(street)
    street.kill_worker(fault)
    if fault != "picture_made.after_commit":
        assert row(street, id).ready_at is None
        assert row(street, id).files == {}
    street.work(sweep=False)
    found = row(street, id)
    assert found.ready_at is not None
    named = {url.rpartition("/")[2] for widths in found.files.values() for url in widths.values()}
    assert named == files(street, id)
    assert {f"320.{kind}" for kind in ("avif", "webp")} < named
    assert f"{width}.jpg" in named


@pytest.mark.parametrize(
    "fault", ["picture.between_files", "picture_added.before_commit", "picture_added.after_commit"]
)
def test_a_picture_is_added_whole_or_not_at_all(street, fault: str) -> None:
    width = next(_widths)
    adding = street.start("verb", call=[ADD, {"width": width}], fault=fault)
    assert adding.wait() == -signal.SIGKILL
    with street.shop.unit() as db:
        ref = kernel.add_picture(db, a_picture(width))
    assert f"{width}.jpg" in files(street, ref.id)
    street.work(sweep=False)
    assert row(street, ref.id).ready_at is not None


@pytest.mark.parametrize(
    "fault",
    [
        "sweep_noted.before_commit",
        "sweep_noted.after_commit",
        "sweep_doomed.before_commit",
        "sweep_doomed.after_commit",
        "picture_gone.before_commit",
        "picture_gone.after_commit",
    ],
)
def test_what_nobody_shows_is_gone_in_the_end(street, fault: str) -> None:
    id, _ = add(street)
    street.work(sweep=False)
    if not fault.startswith("sweep_noted"):
        run_task(street.shop, "media.sweep")  # the week begins
    with street.shop.unit() as db:
        defer(db, "media.sweep")
    street.kill_worker(fault, later=8 * DAY)
    street.work(later=9 * DAY, sweep=False)
    if fault.startswith("sweep_noted"):
        with street.shop.unit() as db:
            defer(db, "media.sweep")
        street.work(later=18 * DAY, sweep=False)
    assert row(street, id) is None
    assert files(street, id) == set()
