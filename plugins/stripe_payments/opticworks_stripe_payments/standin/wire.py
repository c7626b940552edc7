"""Stripe's wire form: nested form fields, and errors as Stripe says them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

_PART = re.compile(r"\[([^\]]*)\]")


class StripeError(Exception):
    """An answer that is an error: HTTP status and the fields of `error`."""

    def __init__(self, status: int, type: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.fields = {"type": type, "message": message, **fields}

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {name: value for name, value in self.fields.items() if value is not None}}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """400 invalid_request_error."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param)


def missing(kind: str, id: str, param: str = "intent") -> StripeError:
    """404: there is no such object."""
    return StripeError(
        404,
        "invalid_request_error",
        f"No such {kind}: '{id}'",
        code="resource_missing",
        param=param,
        doc_url="https://stripe.com/docs/error-codes/resource-missing",
    )


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Form pairs with brackets as nested dicts and lists: `a[b]=1`, `c[0]=2`, `c[]=2`."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head = name.partition("[")[0]
        path = [head, *_PART.findall(name)]
        node = tree
        for part, following in pairwise(path):
            part = part or str(len(node))
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise invalid(f"Invalid {following}: it is given twice.", param=name)
        node[path[-1] or str(len(node))] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def integer(params: dict[str, Any], name: str, default: int | None = None) -> int | None:
    """An integer parameter. Raises StripeError for anything else."""
    if name not in params or params[name] == "":
        return default
    text = str(params[name])
    if not re.fullmatch(r"-?\d{1,12}", text):
        raise invalid(f"Invalid integer: {text}", param=name, code="parameter_invalid_integer")
    return int(text)


def boolean(params: dict[str, Any], name: str) -> bool:
    text = str(params.get(name, "false"))
    if text not in ("true", "false"):
        raise invalid(f"Invalid boolean: {text}", param=name)
    return text == "true"


def one_of(params: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = params.get(name)
    if value is not None and value not in allowed:
        choices = ", ".join(allowed)
        raise invalid(f"Invalid {name}: must be one of {choices}", param=name)
    return value


def known(params: dict[str, Any], allowed: Iterable[str]) -> None:
    """Raises StripeError for a parameter that the call does not have."""
    for name in params:
        if name not in {*allowed, "expand"}:
            raise invalid(
                f"Received unknown parameter: {name}", param=name, code="parameter_unknown"
            )
