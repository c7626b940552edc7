"""Where an unsafe request may come from."""

import pytest

OWN = "http://localhost"
SHOP = "https://shop.example"

MATRIX = [
    # headers, allowed
    ({"Origin": OWN}, True),
    ({"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, True),
    ({"Referer": f"{OWN}/cart"}, True),
    ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
    ({}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "null", "Referer": f"{OWN}/cart"}, False),
    ({"Origin": "http://evil.example"}, False),
    ({"Origin": "http://evil.example", "Referer": f"{OWN}/cart"}, False),
    ({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, False),
    ({"Origin": OWN, "Sec-Fetch-Site": "same-site"}, False),
    ({"Origin": "https://localhost"}, False),
    ({"Origin": "http://localhost:8080"}, False),
    ({"Origin": "http://localhost.evil.example"}, False),
    ({"Referer": "http://evil.example/http://localhost/"}, False),
    ({"Referer": "http://localhost@evil.example/"}, False),
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"Sec-Fetch-Site": "none"}, False),
    ({"Origin": "http://[nonsense"}, False),
]


@pytest.mark.parametrize(("headers", "allowed"), MATRIX)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_unsafe_requests_come_from_the_shops_own_pages(build, method, headers, allowed):
    response = build().request("/echo", method=method, headers=headers, status="*")
    assert response.status_int == (200 if allowed else 403)
    if not allowed:
        assert "did not come from a page of this shop" in response.text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_check_holds_on_http_and_on_https(build, scheme):
    app = build(base_url=f"{scheme}://localhost")
    environ = {"wsgi.url_scheme": scheme, "HTTP_HOST": "localhost"}
    app.post("/echo", headers={"Origin": f"{scheme}://localhost"}, extra_environ=environ)
    app.post("/echo", headers={"Origin": "https://evil.example"}, extra_environ=environ, status=403)


def test_reading_needs_no_origin(build):
    build().get("/echo", headers={"Origin": "http://evil.example"})


def test_a_signed_webhook_needs_no_origin(build):
    assert build().post("/webhook", {"text": "hi"}).text == "POST hi"


def test_in_production_only_the_configured_address_is_the_shops_own(build):
    app = build(mode="production", base_url=SHOP)
    host = {"HTTP_HOST": "evil.example"}
    app.post("/echo", headers={"Origin": SHOP}, extra_environ=host)
    app.post("/echo", headers={"Origin": "http://evil.example"}, extra_environ=host, status=403)
