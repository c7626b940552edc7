"""Numbers in forms and addresses, where anybody can write anything."""

from __future__ import annotations


def whole(text: object, otherwise: int = 0, digits: int = 18) -> int:
    """The whole number that this text is; `otherwise` where it is none, or has more digits.

    Eighteen digits fit into a column of the database. What Unicode takes for a digit and Python's
    `int` does not, such as ², is none.
    """
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= digits:
        return int(text)
    return otherwise
