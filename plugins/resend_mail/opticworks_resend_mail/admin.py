"""The button that asks Resend about the domain again."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.kernel import audit
from opticworks.plugin import admin_view, flash
from opticworks_resend_mail.domain import check_soon


@admin_view("resend_mail.domain", "plugins.read", request_method="POST")
def ask_again(request: Request) -> Response:
    check_soon(request.db)
    audit(request.db, request.identity.email, "plugin.asked", "plugin resend_mail")
    flash(request, "Resend is being asked about the domain. Look again in a moment.")
    return HTTPSeeOther("/admin/plugins#plugin-resend_mail")


def includeme(config: Any) -> None:
    config.add_route("resend_mail.domain", "/admin/resend_mail/domain")
    config.scan(__name__)
