"""The catalogue's screens for staff: products with their variants, collections, bundles."""

from __future__ import annotations

from pyramid.config import Configurator

from opticworks.contracts import Permission

PATH = "/admin/catalog/products"
COLLECTIONS = "/admin/catalog/collections"
READ = Permission(code="catalog.read", title="See products and their stock")
EDIT = Permission(code="catalog.edit", title="Change products and collections")
MOST_BODY = 4_000_000  #: bytes: a product with a thousand variants

ROUTES = (
    ("catalog.admin.products", PATH),
    ("catalog.admin.products.bulk", f"{PATH}/bulk"),
    ("catalog.admin.product.new", f"{PATH}/new"),
    ("catalog.admin.preview_text", "/admin/catalog/preview-text"),
    ("catalog.admin.skus", "/admin/catalog/skus"),
    ("catalog.admin.product", f"{PATH}/{{id:[0-9]+}}"),
    ("catalog.admin.product.duplicate", f"{PATH}/{{id:[0-9]+}}/duplicate"),
    ("catalog.admin.product.remove", f"{PATH}/{{id:[0-9]+}}/remove"),
    ("catalog.admin.product.preview", f"{PATH}/{{id:[0-9]+}}/preview"),
    ("catalog.admin.collections", COLLECTIONS),
    ("catalog.admin.collection.new", f"{COLLECTIONS}/new"),
    ("catalog.admin.collection", f"{COLLECTIONS}/{{id:[0-9]+}}"),
    ("catalog.admin.collection.remove", f"{COLLECTIONS}/{{id:[0-9]+}}/remove"),
)


def includeme(config: Configurator) -> None:
    for name, pattern in ROUTES:
        config.add_route(name, pattern)
    for name in ("catalog.admin.product.new", "catalog.admin.product"):
        config.allow_body(name, MOST_BODY)
    config.include("opticworks_catalog.admin.importing")
    config.scan("opticworks_catalog.admin")
