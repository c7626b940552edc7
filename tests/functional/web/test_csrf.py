"""Form tokens: bound to a signed cookie, without a session."""

import redis

OWN = {"Origin": "http://localhost"}


def test_a_form_with_its_token_is_taken(build):
    app = build()
    token = app.get("/form").text
    app.post("/form", {"csrf_token": token}, headers=OWN)
    app.post("/form", headers={**OWN, "X-CSRF-Token": token})


def test_a_form_without_or_with_anothers_token_is_refused(build):
    app, other = build(), build()
    app.get("/form")
    foreign = other.get("/form").text
    for token in ("", "nonsense", foreign, "é"):
        response = app.post("/form", {"csrf_token": token}, headers=OWN, status=400)
        assert "open for too long" in response.text


def test_a_cookie_that_we_did_not_sign_is_worth_nothing(build):
    app = build()
    token = app.get("/form").text
    nonce, _, _ = app.cookies["form"].partition(".")
    app.set_cookie("form", f"{nonce}.AAAA")
    app.post("/form", {"csrf_token": token}, headers=OWN, status=400)
    app.set_cookie("form", ".")
    app.post("/form", {"csrf_token": ""}, headers=OWN, status=400)


def test_the_token_stays_for_the_second_form(build):
    app = build()
    assert app.get("/form").text == app.get("/form").text


def test_the_cookie_is_http_only_and_host_bound_over_https(build):
    app = build()
    assert "HttpOnly" in app.get("/form").headers["Set-Cookie"]
    app.reset()
    cookie = app.get("/form", extra_environ={"wsgi.url_scheme": "https"}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-form=")
    assert "secure" in cookie.lower()
    assert "SameSite=Lax" in cookie


def test_a_dead_redis_stops_no_form(build):
    app = build(client=redis.Redis(unix_socket_path="/nonexistent.sock"))
    app.post("/form", {"csrf_token": app.get("/form").text}, headers=OWN)
