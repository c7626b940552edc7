"""Routes are found by the first part of the path as Pyramid finds them, and once per request."""

from __future__ import annotations

import pytest
from pyramid.exceptions import URLDecodeError
from pyramid.request import Request
from pyramid.urldispatch import RoutesMapper

from opticworks.web.routing import Mapper

PATTERNS = (
    "/",
    "/cart",
    "/cart/lines/{sku:.+}",
    "/sitemap-{number}.xml",
    "/products/{handle}",
    "{anything}/else",
    "products/special",
    "/files/*path",
    "/café",
)
PATHS = (
    "/",
    "",
    "/cart",
    "/cart/",
    "/cart/lines/a/b",
    "/sitemap-3.xml",
    "/products/x",
    "/products/special",
    "/products/else",
    "/cart/else",
    "/files/a/b",
    "/nowhere",
    "//cart",
    "*",
    "cart",
    "/caf\xc3\xa9",
)


def filled(mapper):
    for number, pattern in enumerate(PATTERNS):
        mapper.connect(str(number), pattern)
    mapper.connect("post", "/cart", predicates=[lambda info, request: request.method == "POST"])
    return mapper


def request_of(path, method="GET"):
    return Request({"PATH_INFO": path, "REQUEST_METHOD": method})


@pytest.mark.parametrize("path", PATHS)
def test_it_answers_what_pyramid_answers(path):
    mine, other = (filled(mapper)(request_of(path)) for mapper in (Mapper(), RoutesMapper()))
    assert mine["match"] == other["match"]
    assert getattr(mine["route"], "name", None) == getattr(other["route"], "name", None)


def test_predicates_decide_and_another_method_is_another_question():
    mapper = Mapper()
    mapper.connect("get", "/cart", predicates=[lambda info, request: request.method == "GET"])
    mapper.connect("post", "/cart", predicates=[lambda info, request: request.method == "POST"])
    request = request_of("/cart")
    assert mapper(request)["route"].name == "get"
    request.method = "POST"
    assert mapper(request)["route"].name == "post"
    request.path_info = "/elsewhere"
    assert mapper(request)["route"] is None


def test_a_request_is_matched_once(monkeypatch):
    mapper = filled(Mapper())
    request = request_of("/products/x")
    first = mapper(request)
    monkeypatch.setattr(mapper, "_find", lambda request: pytest.fail("asked twice"))
    assert mapper(request) is first


def test_a_route_that_is_added_or_replaced_later_is_found():
    mapper = filled(Mapper())
    assert mapper(request_of("/late"))["route"] is None
    mapper.connect("late", "/late")
    assert mapper(request_of("/late"))["route"].name == "late"
    mapper.connect("late", "/later")
    assert mapper(request_of("/late"))["route"] is None


def test_a_path_that_is_no_text_is_refused_as_ever():
    with pytest.raises(URLDecodeError):
        filled(Mapper())(request_of("/caf\xff"))
