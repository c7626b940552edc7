"""Sessions: lazy, hashed, rotated, mortal."""

import json

import pytest
import redis

from opticworks.web import sessions

OWN = {"Origin": "http://localhost"}


def test_a_reader_gets_no_cookie_and_leaves_no_key(build, redis_client):
    app = build()
    assert "Set-Cookie" not in app.get("/page").headers
    assert "Set-Cookie" not in app.get("/get").headers
    assert redis_client.dbsize() == 0


def test_what_was_put_in_comes_back(build):
    app = build()
    app.post("/put", {"name": "Ada"}, headers=OWN)
    assert "Ada" in app.get("/get").text


def test_the_cookie_is_no_key_of_redis(build, redis_client):
    app = build()
    app.post("/put", {"name": "Ada"}, headers=OWN)
    cookie = app.cookies["session"]
    everything = b"".join(
        key + (redis_client.get(key) or b"") for key in redis_client.scan_iter("*")
    )
    assert cookie.encode() not in everything
    assert redis_client.exists(sessions.key_of(cookie))


def test_an_id_chosen_by_an_attacker_is_not_adopted(build):
    app = build()
    chosen = "A" * 43
    app.set_cookie("session", chosen)
    app.post("/put", {"name": "Ada"}, headers=OWN)
    assert app.cookies["session"] != chosen


def test_rotation_keeps_the_contents_and_kills_the_old_id(build):
    app, thief = build(), build()
    app.post("/put", {"name": "Ada"}, headers=OWN)
    old = app.cookies["session"]
    app.post("/rotate", headers=OWN)
    assert app.cookies["session"] != old
    assert "Ada" in app.get("/get").text
    thief.set_cookie("session", old)
    assert thief.get("/get").text == "{}"


def test_leaving_clears_cookie_and_key(build, redis_client):
    app = build()
    app.post("/put", {"name": "Ada"}, headers=OWN)
    app.post("/leave", headers=OWN)
    assert "session" not in app.cookies
    assert redis_client.dbsize() == 0


def test_an_idle_session_expires_by_itself(build, redis_client):
    app = build()
    app.post("/put", {"name": "Ada"}, headers=OWN)
    left = redis_client.ttl(sessions.key_of(app.cookies["session"]))
    assert sessions.IDLE - 5 < left <= sessions.IDLE


def test_a_session_ends_after_its_longest_life_however_much_it_is_used(build, redis_client):
    app = build()
    app.post("/put", {"name": "Ada"}, headers=OWN)
    key = sessions.key_of(app.cookies["session"])
    content = json.loads(redis_client.get(key))
    content["created"] -= sessions.ABSOLUTE + 1
    redis_client.set(key, json.dumps(content))
    assert app.get("/get").text == "{}"
    assert not redis_client.exists(key)


def test_using_a_session_keeps_it_alive(build, redis_client):
    app = build()
    app.post("/put", {"name": "Ada"}, headers=OWN)
    key = sessions.key_of(app.cookies["session"])
    content = json.loads(redis_client.get(key))
    content["seen"] -= sessions.REFRESH + 1
    redis_client.set(key, json.dumps(content), ex=60)
    app.get("/get")
    assert redis_client.ttl(key) > 60


@pytest.mark.parametrize("path", ["/get", "/put?name=Ada"])
def test_a_dead_redis_is_a_polite_page_and_only_where_sessions_are_used(build, path):
    app = build(client=redis.Redis(unix_socket_path="/nonexistent.sock"))
    app.set_cookie("session", "A" * 43)
    response = app.get(path, status=503)
    assert "The shop itself sells on" in response.text
    assert response.headers["Retry-After"] == "60"
    assert app.get("/page").text == "page"


def test_cookies_are_http_only_lax_and_secure_over_https(build):
    app = build(base_url="https://localhost")
    response = app.post(
        "/put",
        {"name": "Ada"},
        headers={"Origin": "https://localhost"},
        extra_environ={"wsgi.url_scheme": "https"},
    )
    cookie = response.headers["Set-Cookie"].lower()
    assert cookie.startswith("__host-session=")
    assert all(word in cookie for word in ("httponly", "secure", "samesite=lax", "path=/"))
