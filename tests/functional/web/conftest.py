"""A small application with the kernel's safety around a handful of views, on a real Redis."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pluggy
import pytest
import redis
from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from sqlalchemy import create_engine
from webtest import TestApp

from opticworks import hookspecs
from opticworks.config import Config
from opticworks.contracts import ShopSettings
from opticworks.web import headers
from opticworks.web.templates import ENGLISH


@pytest.fixture
def redis_client(worker_redis_url):
    client = redis.Redis.from_url(worker_redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def hooks():
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


@pytest.fixture
def build(redis_client, hooks):
    """build(mode=, base_url=, client=) gives a TestApp; `.sent` collects what views read."""

    def build(mode="test", base_url="http://localhost", client=None, setup=lambda config: None):
        shop = SimpleNamespace(
            config=Config(
                mode=mode,
                database_url="",
                redis_url="",
                base_url=base_url,
                secret="a-secret-of-the-tests-" * 2,
                var=Path("/nonexistent"),
            ),
            redis=client or redis_client,
            settings={"shop": ShopSettings()},
            hooks=hooks.hook,
            engine=create_engine("postgresql+psycopg://"),
        )
        config = Configurator(settings={"opticworks.max_body": "1000"})
        config.registry.shop = shop
        config.add_request_method(lambda request: shop, "shop", property=True)
        config.add_request_method(lambda request: ENGLISH, "words", property=True)
        for part in ("headers", "errors", "guard", "limits", "origin", "csrf", "sessions"):
            config.include(f"opticworks.web.{part}")
        config.include("opticworks.web.policy")
        add_views(config)
        setup(config)
        return TestApp(config.make_wsgi_app())

    return build


def add_views(config):
    def route(name, pattern, view, **options):
        config.add_route(name, pattern)
        config.add_view(view, route_name=name, **options)

    route("home", "/", headers.cacheable(300, keys=("home",))(lambda request: Response("home")))
    route("page", "/page", lambda request: Response("page"))
    route("order", "/order", headers.private_page(lambda request: Response("order")))
    route("missing", "/missing", headers.private_page(_missing))
    route("echo", "/echo", _echo)
    route("upload", "/upload", _echo)
    route("webhook", "/webhook", _echo, signed_webhook=True)
    route("form", "/form", _form, require_csrf=True)
    route("put", "/put", _put)
    route("get", "/get", lambda request: Response(repr(dict(request.session))))
    route("rotate", "/rotate", _rotate)
    route("leave", "/leave", _leave)
    config.allow_body("upload", 5000)


def _missing(request):
    raise HTTPNotFound("There is no such order.")


def _echo(request):
    return Response(f"{request.method} {request.POST.get('text', '')}")


def _form(request):
    return Response(get_csrf_token(request))


def _put(request):
    request.session["name"] = request.params["name"]
    return Response("put")


def _rotate(request):
    request.session.rotate()
    return Response("rotated")


def _leave(request):
    request.session.invalidate()
    return Response("left")
