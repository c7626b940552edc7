"""What search engines ask for first: robots.txt and the sitemap."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from xml.sax.saxutils import escape

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from opticworks.contracts import SitemapEntry
from opticworks.pages import service as pages
from opticworks.plugins import answers
from opticworks.web.headers import cacheable
from opticworks.web.numbers import whole

log = logging.getLogger(__name__)

#: Pages that are nobody's to find: of one visitor, of staff, or without end.
CLOSED = ("/account", "/admin", "/cart", "/checkout", "/orders", "/search")
MOST = 50_000  #: addresses in one file, by the protocol
PART = 10_000  #: addresses in each file when there is more than one
MAX_AGE = 3600
_OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">\n'
)
_OPEN_INDEX = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
)


@view_config(route_name="robots", permission=NO_PERMISSION_REQUIRED)
@cacheable(MAX_AGE)
def robots(request: Request) -> Response:
    """Open in production only: a shop under construction has no business in an index."""
    config = request.registry.shop.config
    lines = ["User-agent: *"]
    if config.production:
        lines += [f"Disallow: {path}" for path in CLOSED]
        lines += ["", f"Sitemap: {config.base_url}/sitemap.xml"]
    else:
        lines.append("Disallow: /")
    return Response("\n".join(lines) + "\n", content_type="text/plain", charset="utf-8")


@view_config(route_name="sitemap", permission=NO_PERMISSION_REQUIRED)
@cacheable(MAX_AGE, keys=("catalog", "pages"))
def sitemap(request: Request) -> Response:
    """Every page, or the list of files when there are more than one may hold."""
    base = request.registry.shop.config.base_url
    entries = _entries(request)
    first = list(islice(entries, MOST))
    more = sum(1 for _ in entries)
    if not more:
        return _xml(_OPEN + "".join(_url(one, base) for one in first) + "</urlset>\n")
    files = -(-(len(first) + more) // PART)
    parts = (
        f"<sitemap><loc>{escape(base)}/sitemap-{number}.xml</loc></sitemap>\n"
        for number in range(1, files + 1)
    )
    return _xml(_OPEN_INDEX + "".join(parts) + "</sitemapindex>\n")


@view_config(route_name="sitemap.part", permission=NO_PERMISSION_REQUIRED)
@cacheable(MAX_AGE, keys=("catalog", "pages"))
def sitemap_part(request: Request) -> Response:
    number = whole(request.matchdict["number"], digits=5)
    start = (number - 1) * PART
    part = list(islice(_entries(request), start, start + PART)) if number else []
    if not part:
        raise HTTPNotFound("The sitemap has no such part.")
    base = request.registry.shop.config.base_url
    return _xml(_OPEN + "".join(_url(one, base) for one in part) + "</urlset>\n")


def _entries(request: Request) -> Iterator[SitemapEntry]:
    yield SitemapEntry(path="/")
    for page in pages.text_pages(request.db):
        yield SitemapEntry(path=page.path, updated_at=page.updated_at)
    for answer in answers(request.registry.shop.hooks.sitemap, ctx=request.ctx):
        try:
            yield from answer
        except Exception:
            log.exception("A plugin's part of the sitemap could not be read; it is left out")


def _url(entry: SitemapEntry, base: str) -> str:
    changed = entry.updated_at
    lastmod = f"<lastmod>{changed.isoformat(timespec='seconds')}</lastmod>" if changed else ""
    images = "".join(
        f"<image:image><image:loc>{_absolute(image, base)}</image:loc></image:image>"
        for image in entry.images
    )
    return f"<url><loc>{_absolute(entry.path, base)}</loc>{lastmod}{images}</url>\n"


def _absolute(address: str, base: str) -> str:
    return escape(address if "://" in address else base + address)


def _xml(text: str) -> Response:
    return Response(text, content_type="application/xml", charset="utf-8")
