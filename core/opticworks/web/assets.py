"""Static files at /assets/{theme}/{digest}/{path}, found along the theme's search path.

With the current digest the answer may be kept for ever; with any other (an older page that is
still open, a guess) it is the current file and must be asked for again. Text is compressed once
and kept in memory; a web server in front may do the same for itself.
"""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import FileResponse, Response

from opticworks.web.templates import Templates
from opticworks.web.themes import ThemeError

ROUTE = "assets"
PATTERN = "/assets/{theme:[^/]*}/{digest}/{path:.*}"  # a shop in no theme has the kernel's files
FOREVER = "public, max-age=31536000, immutable"

TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
COMPRESSED = frozenset({"text/css", "text/javascript", "image/svg+xml", "text/plain"})


def content_type(path: Path) -> str:
    """The MIME type of a file, from its name; unknown ones are downloads."""
    known = TYPES.get(path.suffix.lower())
    return known or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


@lru_cache(maxsize=256)
def _compressed(path: Path, changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def serve(request: Any, templates: Templates) -> Response:
    """The file that the address names. Raises HTTPNotFound."""
    match = request.matchdict
    try:
        engine = templates.engine(match["theme"])
    except ThemeError:
        raise HTTPNotFound() from None
    found = engine.path.find("static", match["path"])
    if found is None:
        raise HTTPNotFound()
    path = found[1]
    kind = content_type(path)
    text = kind in COMPRESSED
    response: Response
    if text and request.accept_encoding.acceptable_offers(["gzip"]):
        stat = path.stat()
        response = Response(
            body=_compressed(path, stat.st_mtime_ns), conditional_response=True, request=request
        )
        response.content_encoding = "gzip"
        response.last_modified = int(stat.st_mtime)
    else:
        response = FileResponse(str(path), request=request)
    response.content_type = kind
    response.charset = "utf-8" if kind.startswith("text/") else None
    if text:
        response.vary = ["Accept-Encoding"]
    current = match["digest"] == engine.digest
    response.headers["Cache-Control"] = FOREVER if current else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def includeme(config: Any) -> None:
    """Add the route and the view of the assets."""
    config.add_route(ROUTE, PATTERN, request_method=("GET", "HEAD"))
    config.add_view(lambda request: serve(request, request.registry.templates), route_name=ROUTE)
