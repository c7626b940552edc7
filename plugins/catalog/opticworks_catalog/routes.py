"""The addresses of the catalogue's pages."""

from __future__ import annotations

from pyramid.config import Configurator

from opticworks_catalog import views

PRODUCT, LISTING = "catalog/product.pt", "catalog/listing.pt"


def includeme(config: Configurator) -> None:
    # An empty handle is "/products/", with a slash too many: Pyramid can't say that one may follow.
    for name, pattern, view, renderer in (
        ("catalog.products", "/products", views.products, LISTING),
        ("catalog.product", "/products/{handle:[^/]*}", views.product, PRODUCT),
        ("catalog.product.below", "/products/{handle:[^/]+}/{rest:.*}", views.below, None),
        ("catalog.collections", "/collections", views.collections_root, None),
        ("catalog.collection", "/collections/{handle:[^/]*}", views.collection, LISTING),
        ("catalog.collection.below", "/collections/{handle:[^/]+}/{rest:.*}", views.below, None),
        ("catalog.image", "/catalog/images/{name}", views.image, None),
    ):
        config.add_route(name, pattern)
        config.add_view(view, route_name=name, renderer=renderer, request_method=("GET", "HEAD"))
