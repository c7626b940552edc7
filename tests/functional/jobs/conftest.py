"""A database with nothing but the queue in it, and the least that jobs need of a shop."""

import importlib.util
import sys
import uuid
from pathlib import Path

import pytest
from sqlalchemy import text

from opticworks.embedded import create_database, drop_database
from opticworks.jobs import schema


def _load():
    path = Path(__file__).with_name("minimal_shop.py")
    spec = importlib.util.spec_from_file_location("minimal_shop", path)
    module = sys.modules["minimal_shop"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shop(embedded_servers):
    name = f"jobs_{uuid.uuid4().hex[:12]}"
    shop = _load().MinimalShop(create_database(embedded_servers, name))
    with shop.engine.begin() as connection:
        schema.install(connection)
        schema.extend(connection)
        connection.execute(text("CREATE TABLE note (id serial, word text)"))
    yield shop
    shop.engine.dispose()
    drop_database(embedded_servers, name)
