"""Home, text pages, the customer's order page, and health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import redis
from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from opticworks import contracts as c
from opticworks.checkout import returns
from opticworks.checkout.views import view_of
from opticworks.documents import service as documents
from opticworks.documents.models import Document
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.pages import service as pages
from opticworks.web.headers import cacheable, private_page
from opticworks.web.page import Crumb, Page, text_of
from opticworks.web.transactions import only_reads


def home_crumb() -> Crumb:
    return Crumb(title=c.say("Home"), path="/")


def canonical(request: Request, path: str) -> str:
    return str(request.registry.shop.config.base_url + path)


@view_config(route_name="home", renderer="home.pt", permission=NO_PERMISSION_REQUIRED)
@cacheable(60, keys=("home",))
def home(request: Request) -> dict[str, Any]:
    settings = request.registry.shop.settings["shop"]
    title = f"{settings.name} – {settings.tagline}" if settings.tagline else settings.name
    return {
        "page": Page(
            title,
            description=settings.description
            or settings.tagline
            or c.say("Everything that {shop} sells.", shop=settings.name),
            canonical=canonical(request, "/"),
            full_title=True,
            json_ld=_about(request),
        )
    }


def _about(request: Request) -> tuple[dict[str, Any], ...]:
    """schema.org's words for who runs the shop and what it is called."""
    shop, address = request.registry.shop.settings["shop"], canonical(request, "/")
    common = {"@context": "https://schema.org", "name": shop.name, "url": address}
    return (
        {**common, "@type": "Organization", "email": shop.email},
        {**common, "@type": "WebSite"},
    )


@view_config(route_name="page", renderer="page.pt", permission=NO_PERMISSION_REQUIRED)
@cacheable(300, keys=("pages",))
def page(request: Request) -> dict[str, Any]:
    slug = request.matchdict["slug"]
    found = pages.get(request.db, slug)
    if found is None:
        if (moved := pages.moved_to(request.db, slug)) is not None:
            raise HTTPMovedPermanently(f"/pages/{quote(moved)}")
        raise HTTPNotFound(c.say("There is no such page. It may have moved or been removed."))
    html = pages.to_html(found.body, below=1)
    return {
        "page": Page(
            found.seo_title or found.title,
            description=found.description or text_of(html),
            canonical=canonical(request, f"/pages/{found.slug}"),
            crumbs=(home_crumb(),),
        ),
        "content": {"title": found.title, "html": html},
    }


def find_order(request: Request) -> tuple[Order, c.OrderView]:
    """The order whose link is open. Raises HTTPNotFound with a sentence."""
    found = _linked(request)
    return found, view_of(request.registry.shop, request.db, found)


@view_config(route_name="order", renderer="order.pt", permission=NO_PERMISSION_REQUIRED)
@private_page
def order(request: Request) -> dict[str, Any]:
    """The customer's order, for whoever holds its link."""
    only_reads(request)
    found, view = find_order(request)
    return {
        "page": Page(
            c.say("Order {number}", number=found.number),
            description=c.say("Your order, how it stands, and how to pay for it."),
            canonical=canonical(request, orders.path(found)),
            robots="noindex",
        ),
        "order": view,
        "may": returns.offer(request.registry.shop, request.db, found, view),
        "thanks": "thanks" in request.GET,
        "papers": [
            (request.route_path("order.document", token=found.token, document=each.id), each)
            for each in _papers(request, found)
        ],
    }


def _papers(request: Request, order: Order) -> Sequence[Document]:
    """None is issued before the money came; an order that was canceled may have been paid."""
    if order.status != "canceled" and order.payment_status not in documents.INVOICED:
        return ()
    return documents.of_order(request.db, order.number)


def _linked(request: Request) -> Order:
    """The order whose link this is. Raises HTTPNotFound with a sentence."""
    shop = request.registry.shop
    found = orders.by_token(request.db, request.matchdict["token"])
    if found is None or not orders.link_works(
        found, shop.now(), shop.settings["shop"].order_link_days
    ):
        raise HTTPNotFound(
            c.say(
                "This order link does not work (any more). Open the newest mail about your order, "
                "or write to us with the order number."
            )
        )
    return found


@view_config(route_name="order.document", permission=NO_PERMISSION_REQUIRED)
@private_page
def document(request: Request) -> Response:
    """An invoice or a credit note, for whoever holds the order's link."""
    from opticworks.documents import sheet  # draws PDFs: 20 MB that few need

    found, wanted = _linked(request), request.matchdict["document"]
    papers = documents.of_order(request.db, found.number)
    paper = next((each for each in papers if str(each.id) == wanted), None)
    if paper is None:
        raise HTTPNotFound(c.say("There is no such document. Open it from the page of your order."))
    shop = request.registry.shop
    gettext = shop.templates.gettext(paper.facts["locale"])
    response = Response(sheet.pdf(paper, gettext), content_type="application/pdf")
    name = sheet.filename(paper)
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@view_config(route_name="health", renderer="json", permission=NO_PERMISSION_REQUIRED)
def health(request: Request) -> dict[str, str]:
    """Whether the parts the shop stands on answer; 503 names the one that does not."""
    shop = request.registry.shop
    answer = {"status": "ok", "database": "connected", "redis": "connected"}
    try:
        with shop.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        answer.update(status="failing", database="unreachable")
    try:
        shop.redis.ping()
    except redis.RedisError:
        answer.update(status="failing", redis="unreachable")
    response: Response = request.response
    response.headers["Cache-Control"] = "no-store"
    if answer["status"] != "ok":
        response.status_int = 503
    return answer
