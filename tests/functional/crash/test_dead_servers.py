"""Redis or PostgreSQL away while people shop: what still works, what says so, and the way back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from sqlalchemy.engine import make_url

from opticworks.staff import service as staff_room
from opticworks.testing.lines import Line
from opticworks.testing.processes import until
from opticworks.testing.visitors import Answer, Visitor

SKU = "RS1-PRO-WHT"
PAGES = ("/", "/products", "/products/rs-1-sensor", "/cart", "/cart/badge", "/pages/faq")
PATIENCE = 20.0  #: seconds in which a page must be there, on a busy machine too
PASSWORD = "correct horse battery"


@pytest.fixture
def redis_line(house) -> Iterator[Line]:
    options = redis.Redis.from_url(house.redis_url).connection_pool.connection_kwargs
    target = options.get("path") or (options["host"], options["port"])
    line = Line(target)
    line.url = f"redis://127.0.0.1:{line.port}/{options.get('db', 0)}"
    yield line
    line.close()


@pytest.fixture
def database_line(house) -> Iterator[Line]:
    url = make_url(house.database_url)
    folder = url.query.get("host")
    target = f"{folder}/.s.PGSQL.{url.port or 5432}" if folder else (url.host, url.port or 5432)
    line = Line(target)
    line.url = url.set(host="127.0.0.1", port=line.port, query={}).render_as_string(False)
    yield line
    line.close()


def in_time(act: Callable[[], Answer]) -> Answer:
    began = time.monotonic()
    answer = act()
    assert time.monotonic() - began < PATIENCE, answer.url
    return answer


def health(visitor: Visitor) -> tuple[int, dict[str, str]]:
    answer = in_time(lambda: visitor.get("/health"))
    return answer.status, json.loads(answer.body)


def look_around(visitor: Visitor, email: str) -> None:
    """Go everywhere once: on a busy machine compiling the templates alone takes seconds."""
    for path in (*PAGES, "/products/no-such-thing", "/admin/sign-in"):
        visitor.get(path)
    visitor.fill_cart(SKU)
    form = visitor.checkout(email=email)
    visitor.post("/checkout", {**form, "action": "update"})
    visitor.place(form)


@pytest.mark.parametrize("trouble", ["cut", "hush"])
def test_a_dead_redis_stops_no_sale(street, redis_line: Line, trouble: str) -> None:
    """Refused at once, or taking connections without a word: the shop sells on."""
    with street.shop.unit() as db:
        if staff_room.by_email(db, "clerk@example.org") is None:
            staff_room.create_staff(db, "clerk@example.org", PASSWORD, role="owner", actor="test")
    web = street.start("web", replace(street.house, redis_url=redis_line.url))
    visitor = Visitor(web.address)
    assert health(visitor)[0] == 200
    look_around(Visitor(web.address), street.customer().email)
    getattr(redis_line, trouble)()

    status, said = health(visitor)
    assert (status, said["redis"], said["database"]) == (503, "unreachable", "connected")
    for path in PAGES:
        assert in_time(lambda path=path: visitor.get(path)).status == 200, path
    customer = street.customer()
    assert in_time(lambda: visitor.fill_cart(SKU)).status == 200
    form = visitor.checkout(email=customer.email)
    updated = in_time(lambda: visitor.post("/checkout", {**form, "action": "update"}))
    assert updated.status == 200
    placed = in_time(lambda: visitor.place(form))
    assert "Thank you" in placed.heading
    assert in_time(lambda: visitor.get("/products/no-such-thing")).status == 404
    street.work()
    street.check(customer)

    staff = Visitor(web.address)
    page = in_time(lambda: staff.get("/admin/sign-in"))
    if page.status == 200:
        hidden = {
            field["name"]: field.get("value", "")
            for field in page.html.find_all("input", type="hidden")
        }
        typed = {"email": "clerk@example.org", "password": PASSWORD}
        page = in_time(lambda: staff.post("/admin/sign-in", {**hidden, **typed}))
    assert page.status == 503
    assert "Signing in is not possible at the moment" in page.html.get_text()

    redis_line.mend()
    until(lambda: health(visitor)[0] == 200)
    assert staff.get("/admin/sign-in").status == 200


def test_a_dead_database_is_said_and_the_shop_comes_back_by_itself(
    street, database_line: Line
) -> None:
    web = street.start("web", replace(street.house, database_url=database_line.url))
    visitor = Visitor(web.address)
    visitor.fill_cart(SKU)
    customer = street.customer()
    form = visitor.checkout(email=customer.email)
    database_line.cut()

    status, said = health(visitor)
    assert (status, said["database"], said["redis"]) == (503, "unreachable", "connected")
    for act in (
        lambda: visitor.get("/products"),
        lambda: visitor.get("/cart"),
        lambda: visitor.fill_cart(SKU),
        lambda: visitor.place(form),
    ):
        answer = act()
        assert answer.status == 503, answer.url
        assert answer.heading == "Back in a moment"
        assert "Traceback" not in answer.body

    database_line.mend()
    until(lambda: health(visitor)[0] == 200)
    assert "Thank you" in visitor.place(form).heading
    street.work()
    street.check(customer)
