"""Small answers for the editor's script: a text as the shop shows it, SKUs as one types."""

from __future__ import annotations

from pyramid.request import Request
from pyramid.response import Response

from opticworks import kernel
from opticworks.plugin import admin_view
from opticworks_catalog import goods
from opticworks_catalog.admin import EDIT, READ, queries

MOST_TEXT = 100_000
MOST_SKUS = 20


@admin_view("catalog.admin.preview_text", EDIT.code, request_method="POST")
def preview_text(request: Request) -> Response:
    text = request.POST.get("text", "")
    html = kernel.to_html(text[:MOST_TEXT], below=1) if isinstance(text, str) else ""
    return Response(text=html, content_type="text/html", charset="utf-8")


@admin_view("catalog.admin.skus", READ.code, request_method="GET", renderer="json")
def skus(request: Request) -> list[dict[str, str]]:
    """SKUs that the words may mean, with what they are called."""
    text = " ".join(request.GET.get("q", "").split())[:100]
    found = queries.skus_like(request.db, text, MOST_SKUS) if text else []
    items = goods.read_items(found, request.ctx)
    return [
        {"sku": sku, "title": f"{items[sku].title} {items[sku].option_text}".strip()}
        for sku in found
        if sku in items
    ]
