"""The addresses of the catalogue's pages."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED

from opticworks_catalog import views
from opticworks_catalog.finding import views as finding


def includeme(config: Configurator) -> None:
    for name, pattern, view, renderer in (
        ("catalog.products", "/products", views.products, "catalog/listing.pt"),
        (
            "catalog.product",
            "/products/{handle:[^/]+}{slash:/?}",
            views.product,
            "catalog/product.pt",
        ),
        ("catalog.collections", "/collections", views.collections_root, None),
        (
            "catalog.collection",
            "/collections/{handle:[^/]+}{slash:/?}",
            views.collection,
            "catalog/listing.pt",
        ),
        ("catalog.search", "/search", finding.search_page, "catalog/search.pt"),
        ("catalog.suggest", "/search/suggest", finding.suggest, "catalog/suggestions.pt"),
        ("catalog.image", "/catalog/images/{name}", views.image, None),
    ):
        config.add_route(name, pattern, request_method=("GET", "HEAD"))
        config.add_view(view, route_name=name, renderer=renderer, permission=NO_PERMISSION_REQUIRED)
