"""Pages that are the same for everybody read where nothing can be written."""

import gc

import pytest
from pyramid.request import Request
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from opticworks.testing.shops import Browser


def test_a_reader_refuses_to_write(make_shop):
    shop = make_shop()
    with (
        shop.reader.connect() as connection,
        pytest.raises(InternalError, match="read-only transaction"),
    ):
        connection.execute(text("DELETE FROM cart"))


def test_a_page_outlives_the_connection_it_would_have_used(make_shop):
    shop = make_shop(plugins=("catalog",))
    browser = Browser(shop)
    browser.get("/products")
    with shop.engine.connect() as connection:
        ended = connection.scalars(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).all()
    assert any(ended)
    browser.get("/products", status=200)


def test_an_answered_page_waits_for_no_collector(make_shop):
    app = Browser(make_shop(plugins=("catalog",))).app

    def ask():
        return b"".join(app(Request.blank("/products").environ, lambda *said: None))

    def left_behind():
        """Objects that only the collector gets rid of, after three pages."""
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                ask()
            return gc.collect()
        finally:
            gc.enable()

    assert b"</html>" in ask()
    # If a page held on to itself, each would leave more than 100. What is read anew every few
    # seconds may leave something, but not each time.
    assert min(left_behind() for _ in range(3)) < 30
