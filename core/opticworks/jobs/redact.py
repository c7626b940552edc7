"""Taking secrets out of what went wrong, before it is kept where staff and backups see it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

HIDDEN = "[hidden]"
SHORTEST = 6  #: a shorter "secret" would blot out ordinary words
MOST_TRACE = 20_000  #: characters of a traceback that are kept, its end

#: What looks like a secret wherever it stands: vendors' keys, credentials of an address, headers,
#: and whatever is assigned to a name that promises one.
_SHAPES = (
    (re.compile(r"\b(?:sk|rk|pk|re|whsec|pi_\w+_secret|seti_\w+_secret)_\w{8,}"), HIDDEN),
    (re.compile(r"\bEZ[AT]K[A-Za-z0-9]{12,}"), HIDDEN),
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{8,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)([\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization|signature|cookie)"
            r"[\w-]*[\"']?\s*[:=]\s*)(?!\[hidden\])[\"']?[^\s\"',;&)}\]]{3,}[\"']?"
        ),
        rf"\1{HIDDEN}",
    ),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets and without what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def secrets_of(shop: Any) -> set[str]:
    """Every secret that this process knows: of the settings, and the database's password."""
    found = {secret for model in getattr(shop, "settings", {}).values() for secret in _in(model)}
    root = getattr(shop.config, "secret", None)
    found |= {str(each) for each in (shop.engine.url.password, root) if isinstance(each, str)}
    return {secret for secret in found if secret}


def _in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _in(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _in(each)


def trace(error: BaseException) -> str:
    """The traceback as Python prints it, without values of variables; its end if it is long."""
    return "".join(traceback.format_exception(error))[-MOST_TRACE:]
