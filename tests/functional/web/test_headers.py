"""Security headers, private pages, cacheable pages."""

import gzip

import pytest
from pyramid.csrf import get_csrf_token
from pyramid.request import Request
from pyramid.response import Response

from opticworks.hookspecs import hookimpl
from opticworks.testing.shops import Browser
from opticworks.web.headers import NotCacheable, cacheable, private_page, surrogate_keys

NONE = {"If-None-Match": '"another"'}


class Cards:
    """A plugin whose payment fields come from its vendor, on the checkout only."""

    @hookimpl
    def content_security(self, settings, page):
        if page == "order":
            return {"script-src": ["https://js.vendor.example"], "frame-src": ["https://v.example"]}
        return {}


def test_every_answer_carries_the_security_headers(build):
    app = build()
    for path, status in (("/", 200), ("/page", 200), ("/nowhere", 404)):
        headers = app.get(path, status=status).headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "'unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "Referrer-Policy" in headers


def test_a_plugin_adds_hosts_to_its_page_alone(build, hooks):
    hooks.register(Cards())
    app = build()
    policy = app.get("/order").headers["Content-Security-Policy"]
    assert "script-src 'self' https://js.vendor.example;" in policy
    assert "frame-src 'self' https://v.example" in policy
    assert "vendor" not in app.get("/page").headers["Content-Security-Policy"]


def test_https_is_pinned_in_production_only(build):
    live = build(mode="production", base_url="https://shop.example")
    assert "max-age=31536000" in live.get("/page").headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in build().get("/page").headers


@pytest.mark.parametrize(("path", "status"), [("/order", 200), ("/missing", 404)])
def test_a_private_page_is_not_stored_indexed_or_told_even_when_it_fails(build, path, status):
    response = build().get(path, status=status)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_where_browsers_hide_a_forms_site_the_own_origin_is_still_told(build):
    headers = build().get("/order", extra_environ={"HTTP_HOST": "192.0.2.7:6543"}).headers
    assert headers["Referrer-Policy"] == "same-origin"


def _raw(app, **headers):
    """The page /x as it is sent; WebTest would unpack it."""
    names = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Request.blank("/x", headers=names).get_response(app.app)


def test_a_cacheable_page_is_compressed_for_whom_it_suits(build):
    @cacheable(60)
    def view(request):
        return Response("<p>page</p>" * 300)

    app = build(setup=_route(view))
    plain, packed = _raw(app), _raw(app, accept_encoding="br, gzip")
    assert plain.content_encoding is None
    assert packed.content_encoding == "gzip"
    assert packed.content_length < plain.content_length / 2
    assert gzip.decompress(packed.body) == plain.body
    assert packed.etag != plain.etag
    for page in (plain, packed):
        assert "Accept-Encoding" in page.vary
    again = _raw(app, accept_encoding="gzip", if_none_match=f'"{packed.etag}"')
    assert (again.status_code, again.body) == (304, b"")


def test_a_page_with_a_visitors_secrets_is_not_compressed(build):
    @private_page
    def view(request):
        return Response("<p>token</p>" * 300)

    page = _raw(build(setup=_route(view)), accept_encoding="gzip")
    assert page.content_encoding is None


def test_a_cacheable_page_has_age_keys_and_a_validator(build):
    app = build()
    response = app.get("/")
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.headers["Surrogate-Key"] == "home"
    etag = response.headers["ETag"]
    again = app.get("/", headers={"If-None-Match": etag}, status=304)
    assert again.body == b""
    assert app.get("/", headers=NONE).text == "home"


def test_keys_found_while_the_view_runs_are_added(build):
    def view(request):
        surrogate_keys(request, "product:rs-1", "home")
        return Response("x")

    app = build(setup=_route(cacheable(60, keys=("home",))(view)))
    assert app.get("/x").headers["Surrogate-Key"] == "home product:rs-1"


def _route(view, **options):
    def setup(config):
        config.add_route("x", "/x")
        config.add_view(view, route_name="x", **options)

    return setup


def _sets_cookie(request):
    response = Response("x")
    response.set_cookie("who", "me")
    return response


def _sets_cookie_late(request):
    request.add_response_callback(lambda request, response: response.set_cookie("who", "me"))
    return Response("x")


def _uses_session(request):
    return Response(str(request.session.get("name")))


def _uses_token(request):
    return Response(get_csrf_token(request))


INTIMATE = [_sets_cookie, _sets_cookie_late, _uses_session, _uses_token]


@pytest.mark.parametrize("view", INTIMATE)
def test_a_cacheable_view_that_knows_its_visitor_is_an_error_outside_production(build, view):
    def fresh(request):
        return view(request)

    app = build(setup=_route(cacheable(60)(fresh)))
    with pytest.raises(NotCacheable, match="declared cacheable"):
        app.get("/x")


@pytest.mark.parametrize("view", INTIMATE)
def test_in_production_such_a_page_is_served_uncached(build, view):
    def fresh(request):
        return view(request)

    app = build(mode="production", base_url="https://x.example", setup=_route(cacheable(60)(fresh)))
    assert app.get("/x").headers["Cache-Control"] == "no-store"


def test_a_page_that_is_not_a_200_is_never_kept(build):
    def view(request):
        return Response("gone", status=410)

    app = build(setup=_route(cacheable(60)(view)))
    assert "public" not in app.get("/x", status=410).headers["Cache-Control"]


class Views:
    def __init__(self, request):
        self.request = request

    @cacheable(60)
    def shown(self):
        return Response("x")


def test_methods_of_view_classes_can_be_marked_too(build):
    app = build(setup=_route(Views, attr="shown"))
    assert app.get("/x").headers["Cache-Control"] == "public, max-age=60"


def test_a_shop_in_no_theme_serves_the_static_files_of_its_plain_pages(make_shop):
    browser = Browser(make_shop())
    page = browser.get("/cart")
    files = [script["src"] for script in page.html.select("script[src]")]
    assert files
    for file in files:
        assert browser.get(file).headers["Cache-Control"] == "public, max-age=31536000, immutable"
