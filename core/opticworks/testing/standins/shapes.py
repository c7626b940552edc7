"""Whether a stand-in's answer has the shape of a recorded one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def differences(
    recorded: Any, answered: Any, *, skipped: Collection[str] = (), path: str = ""
) -> list[str]:
    """Recorded fields that are missing or of another type in the answer; null fits everything.

    Of lists the first elements are compared. `skipped` names fields whose content depends on the
    account and not on the call.
    """
    if isinstance(recorded, dict) and isinstance(answered, dict):
        found = []
        for name, value in recorded.items():
            if name in skipped:
                continue
            if name not in answered:
                found.append(f"{path}.{name} is missing")
            else:
                where = f"{path}.{name}"
                found += differences(value, answered[name], skipped=skipped, path=where)
        return found
    if isinstance(recorded, list) and isinstance(answered, list):
        if recorded and not answered:
            return [f"{path} is empty"]
        if not recorded:
            return []
        return differences(recorded[0], answered[0], skipped=skipped, path=f"{path}[0]")
    if recorded is None or answered is None or type(recorded) is type(answered):
        return []
    return [f"{path} is {type(answered).__name__}, recorded {type(recorded).__name__}"]


def learn(known: dict[str, str], recorded: Any, answered: Any) -> None:
    """Note which of the stand-in's ids stands for which recorded one."""
    if isinstance(recorded, list) and isinstance(answered, list):
        for left, right in zip(recorded, answered, strict=False):
            learn(known, left, right)
    if isinstance(recorded, dict) and isinstance(answered, dict):
        if isinstance(recorded.get("id"), str) and isinstance(answered.get("id"), str):
            known[recorded["id"]] = answered["id"]
        for name, value in recorded.items():
            learn(known, value, answered.get(name))
