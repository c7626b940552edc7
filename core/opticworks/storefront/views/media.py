"""The files of pictures that lie on this server's disk."""

from __future__ import annotations

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import FileResponse, Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from opticworks.contracts import say
from opticworks.media.store import folder_in
from opticworks.web.assets import FOREVER


@view_config(route_name="media", permission=NO_PERMISSION_REQUIRED)
def media(request: Request) -> Response:
    """A file of a picture. What an address holds never changes, so it is kept for ever."""
    id, name = request.matchdict["id"], request.matchdict["name"]
    found = folder_in(request.registry.shop.config.var).find(id, name)
    if found is None:
        raise HTTPNotFound(say("There is no such picture. It may have been removed."))
    path, kind = found
    response = FileResponse(str(path), request=request, content_type=kind)
    response.headers["Cache-Control"] = FOREVER
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.etag = f"{id}-{name}"
    return response
