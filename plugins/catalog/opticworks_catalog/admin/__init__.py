"""The catalogue's screens for staff: products with their variants, collections, bundles."""

from __future__ import annotations

from pyramid.config import Configurator

from opticworks.contracts import Permission

PATH = "/admin/catalog/products"
COLLECTIONS = "/admin/catalog/collections"
READ = Permission(code="catalog.read", title="See products and their stock")
EDIT = Permission(code="catalog.edit", title="Change products and collections")

ROUTES = (
    ("catalog.admin.products", PATH),
    ("catalog.admin.products.bulk", f"{PATH}/bulk"),
)


def includeme(config: Configurator) -> None:
    for name, pattern in ROUTES:
        config.add_route(name, pattern)
    config.scan("opticworks_catalog.admin")
