import importlib.util
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from opticworks import migrations
from opticworks.testing.fakes import FakeMailer
from opticworks.testing.shops import unguarded


def _load():
    path = Path(__file__).with_name("little_shop.py")
    spec = importlib.util.spec_from_file_location("little_shop", path)
    module = sys.modules["little_shop"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def little():
    """The module of the little shop: its orders, mailers and `make_shop`."""
    return _load()


@pytest.fixture
def open_shop(little, worker_database_url):
    """A function that opens a little shop on this worker's migrated, emptied database."""
    opened = []

    def open_(mailers=(), **options):
        shop = little.make_shop(worker_database_url, mailers, **options)
        opened.append(shop)
        if len(opened) == 1:
            migrations.upgrade(shop)
            with shop.unit() as db, unguarded(db):
                db.execute(
                    text(
                        "TRUNCATE event, event_handled, message, suppression, message_wording,"
                        " procrastinate_jobs"
                        " RESTART IDENTITY CASCADE"
                    )
                )
        return shop

    yield open_
    for shop in opened:
        shop.close()


@pytest.fixture
def mailer():
    return FakeMailer()


@pytest.fixture
def shop(open_shop, mailer):
    return open_shop([mailer])
