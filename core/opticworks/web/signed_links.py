"""Links that need no signing in: what they name stands in them, signed, so that nobody else can
make one. A link is a key: give it to nobody but the person it is for. Nothing is stored; links
that work once are the room `opticworks.links`."""

from __future__ import annotations

import hmac
from typing import Any

from opticworks.web.keys import derive, sign

LENGTH = 27  #: characters of the signature: 162 bits


def link_token(shop: Any, purpose: str, text: str) -> str:
    """What stands in a link for `purpose` about `text`, a public key (letters, digits, "-")."""
    return _token(shop.config.secret, purpose, text)


def read_link_token(shop: Any, purpose: str, given: str) -> str | None:
    """The text of a token that the shop made for that purpose, also under a former root secret;
    None for any other."""
    text = given.rpartition(".")[0]
    if not text or not given.isascii():
        return None
    secrets = (shop.config.secret, *shop.config.old_secrets)
    known = (hmac.compare_digest(_token(secret, purpose, text), given) for secret in secrets)
    return text if any(known) else None


def _token(secret: str, purpose: str, text: str) -> str:
    return f"{text}.{sign(derive(secret, f'link:{purpose}'), text)[:LENGTH]}"
