"""Who may do what: staff by permission; under /admin nothing is open unless it says so.

A view names the permission it needs (`permission="orders.read"`). One that names none is public
on the storefront and closed under /admin, whichever package it comes from; a public page of the
admin (sign-in) says `permission=NO_PERMISSION_REQUIRED`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pyramid.authorization import ACLHelper, Allow, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.request import Request, RequestLocalCache
from pyramid.security import Allowed, Denied
from pyramid.view import view_config

ADMIN = "/admin"
F = TypeVar("F", bound=Callable[..., Any])
UNNAMED = "opticworks.unnamed"  #: the permission of views that name none
STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in member of staff, and what they may do."""

    id: int
    email: str
    name: str
    role: str
    permissions: frozenset[str]


def is_admin(request: Request) -> bool:
    """Does the address lie under /admin? Only there is a session looked at."""
    path: str = request.environ.get("PATH_INFO", "")
    return path == ADMIN or path.startswith(ADMIN + "/")


class StaffPolicy:
    """Pyramid's security policy. `load` finds the staff member of a request's session."""

    def __init__(self, permissions: Iterable[str]) -> None:
        self.permissions = frozenset(permissions)
        self.acl = [
            (Allow, STAFF, STAFF),
            *((Allow, f"perm:{code}", code) for code in sorted(self.permissions)),
        ]
        self.load: Callable[[Request], Identity | None] = lambda request: None
        self._helper = ACLHelper()
        self._cache = RequestLocalCache(self._identity)

    def _identity(self, request: Request) -> Identity | None:
        return self.load(request) if is_admin(request) else None

    def identity(self, request: Request) -> Identity | None:
        found: Identity | None = self._cache.get_or_create(request)
        return found

    def authenticated_userid(self, request: Request) -> int | None:
        identity = self.identity(request)
        return identity.id if identity else None

    def principals(self, request: Request) -> list[str]:
        identity = self.identity(request)
        if identity is None:
            return [Everyone]
        permissions = sorted(identity.permissions & self.permissions)
        return [Everyone, Authenticated, STAFF, *(f"perm:{code}" for code in permissions)]

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        if permission == UNNAMED:
            return Denied("the view names no permission") if is_admin(request) else Allowed("open")
        return self._helper.permits(_Root(self.acl), self.principals(request), permission)

    def remember(self, request: Request, userid: Any, **kw: Any) -> list[tuple[str, str]]:
        """The session remembers (opticworks.admin signs in and out); no headers are needed."""
        return []

    def forget(self, request: Request, **kw: Any) -> list[tuple[str, str]]:
        return []


def admin_view(route_name: str, permission: str = STAFF, **options: Any) -> Callable[[F], F]:
    """A page or an action of the admin: `@admin_view("catalog.admin.products", "catalog.edit")`.

    Never cached, its forms carry the token that `csrf()` writes, and only staff with the
    permission get in (any staff without one).
    """
    options = {"private_page": True, "require_csrf": True, **options}
    decorator: Callable[[F], F] = view_config(
        route_name=route_name, permission=permission, **options
    )
    return decorator


class _Root:
    def __init__(self, acl: list[tuple[str, str, str]]) -> None:
        self.__acl__ = acl


def set_staff(
    config: Configurator,
    permissions: Iterable[str],
    load: Callable[[Request], Identity | None],
) -> None:
    """Directive: the permissions that exist, and who is behind a request."""
    policy = StaffPolicy(permissions)
    policy.load = load
    config.set_security_policy(policy)


def includeme(config: Configurator) -> None:
    """Closed until `config.set_staff` says who staff are."""
    config.set_default_permission(UNNAMED)
    config.add_directive("set_staff", set_staff)
    config.registry.permissions = {}
