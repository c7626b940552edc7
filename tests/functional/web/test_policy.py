"""Under /admin nothing is open by default; elsewhere everything is."""

import pytest
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from opticworks.web.policy import Identity


def _setup(identity):
    def setup(config):
        config.set_staff({"orders.read", "orders.pay"}, lambda request: identity)
        for name, pattern, options in (
            ("bare", "/admin/bare", {}),
            ("root", "/admin", {}),
            ("shop", "/shop", {}),
            ("signin", "/admin/sign-in", {"permission": NO_PERMISSION_REQUIRED}),
            ("read", "/admin/read", {"permission": "orders.read"}),
            ("pay", "/admin/pay", {"permission": "orders.pay"}),
            ("typo", "/admin/typo", {"permission": "orders.raed"}),
            ("wild", "/{a}/wild", {}),
        ):
            config.add_route(name, pattern)
            config.add_view(lambda request: Response("in"), route_name=name, **options)

    return setup


CLERK = Identity(
    id=1,
    email="c@example.com",
    name="C",
    role="clerk",
    permissions=frozenset({"orders.read", "orders.raed"}),
)


@pytest.mark.parametrize(
    ("path", "anonymous", "clerk"),
    [
        ("/shop", 200, 200),
        ("/any/wild", 200, 200),
        ("/admin/sign-in", 200, 200),
        ("/admin/read", 403, 200),
        ("/admin/pay", 403, 403),
        ("/admin/bare", 403, 403),
        ("/admin", 403, 403),
        ("/admin/wild", 403, 403),
        ("/admin/typo", 403, 403),
    ],
)
def test_who_gets_in(build, path, anonymous, clerk):
    build(setup=_setup(None)).get(path, status=anonymous)
    build(setup=_setup(CLERK)).get(path, status=clerk)


def test_nobody_is_looked_up_outside_the_admin(build):
    def explode(request):
        raise AssertionError("looked at the session of a storefront visitor")

    def setup(config):
        _setup(None)(config)
        config.commit()
        config.set_staff({"orders.read"}, explode)

    build(setup=setup).get("/shop")
