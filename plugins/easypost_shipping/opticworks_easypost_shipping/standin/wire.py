"""EasyPost's wire form: JSON wrapped in the singular name, and errors as EasyPost says them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class EasyPostError(Exception):
    """An answer that is an error: HTTP status and the fields of `error`."""

    def __init__(self, status: int, code: str, message: str, errors: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "errors": list(errors)}}


def required(field: str) -> EasyPostError:
    return EasyPostError(
        422,
        "PARAMETER.REQUIRED",
        "Missing required parameter.",
        [{"field": field, "message": "cannot be blank"}],
    )


def missing() -> EasyPostError:
    return EasyPostError(404, "NOT_FOUND", "The requested resource could not be found.")


def unwrap(params: dict[str, Any], name: str) -> dict[str, Any]:
    """What is wrapped in `name`. Raises EasyPostError when nothing is."""
    inner = params.get(name)
    if not isinstance(inner, dict) or not inner:
        raise required(name)
    return inner


def number(value: Any, field: str) -> float | None:
    """A number as EasyPost takes it: JSON numbers and numbers in text."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise EasyPostError(
            422,
            "PARAMETER.INVALID",
            "Invalid parameter.",
            [{"field": field, "message": "must be a number"}],
        ) from None
