"""What single cells say: numbers, money, yes and no, lists; and how an export writes them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from opticworks.money import Money
from opticworks_catalog.inputs import Components, OptionInput
from opticworks_catalog.models import HANDLE

YES, NO = ("true", "yes", "1"), ("false", "no", "0")
MOST_SHOWN = 40
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")


def shown(text: str) -> str:
    """A cell as a sentence quotes it."""
    plain = " ".join(text.split())
    return f'"{plain[:MOST_SHOWN]}…"' if len(plain) > MOST_SHOWN else f'"{plain}"'


def money(text: str, currency: str) -> int:
    """Minor units of "19.99". Raises ValueError with a sentence."""
    if not _NUMBER.fullmatch(text):
        hint = " Write it with a point, like 12.50." if re.fullmatch("[0-9.]+,[0-9]+", text) else ""
        raise ValueError(f"The price {shown(text)} is not a number like 19.99.{hint}")
    return Money.parse(text.rstrip("0").rstrip(".") if "." in text else text, currency).minor


def money_text(minor: int, currency: str) -> str:
    return str(Money(minor, currency).to_decimal())


def percent(text: str) -> Decimal | None:
    """So many percent, or none. Raises ValueError with a sentence."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?%?", text):
        raise ValueError(f"{shown(text)} is not a number of percent like 12.5.")
    return Decimal(text.rstrip("%"))


def percent_text(percent: Decimal | None) -> str:
    return "" if percent is None else f"{percent.normalize():f}"


def whole(text: str, name: str) -> int:
    """A number of pieces. Raises ValueError with a sentence."""
    if not re.fullmatch(r"-?[0-9]{1,9}(\.0+)?", text):
        raise ValueError(f"The {name} {shown(text)} is not a whole number.")
    return int(text.partition(".")[0])


def grams(text: str) -> int:
    """A weight, rounded to the gram. Raises ValueError with a sentence."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"The weight {shown(text)} is not a number of grams.")
    return int(Decimal(text).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def yes(text: str, column: str) -> bool:
    if text.casefold() in YES:
        return True
    if text.casefold() in NO:
        return False
    raise ValueError(f"{column} says {shown(text)} instead of true or false.")


def tags(text: str) -> tuple[str, ...]:
    """Tags between commas, each once."""
    return tuple(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))


def lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


# A name and what follows a colon, on a line of its own: a backslash stands before what means
# itself.
_PLAIN = str.maketrans({"\\": r"\\", ":": r"\:", "\n": r"\n", "\r": r"\r"})
_MEANT = {"n": "\n", "r": "\r"}


def pairs_text(pairs: Sequence[tuple[str, str]]) -> str:
    """Specifications, one to a line: "Power: 9 W"."""
    return "\n".join(
        f"{name.translate(_PLAIN)}: {value.translate(_PLAIN).replace(chr(92) + ':', ':')}"
        for name, value in pairs
    )


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """What `pairs_text` wrote. Raises ValueError with a sentence."""
    found = []
    for line in lines(text):
        match = re.fullmatch(r"((?:[^\\:]|\\.)*):(.*)", line)
        if match is None:
            raise ValueError(f"{shown(line)} is not like Name: value.")
        found.append((_meant(match[1].strip()), _meant(match[2].strip())))
    return tuple(found)


def _meant(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _MEANT.get(match[1], match[1]), text)


def swatches_text(options: Sequence[OptionInput]) -> str:
    """Colours of option values, one to a line: "Colour / White: #ffffff"."""
    return pairs_text(
        [
            (f"{option.name} / {value}", swatch)
            for option in options
            for value, swatch in option.values
            if swatch
        ]
    )


def choices_text(options: Sequence[OptionInput], currency: str) -> str:
    """Parts that option values bring into a bundle, one to a line, with what they cost more:
    "Mount / Arm: 2 x MNT-ARM + 20.00"."""
    return pairs_text(
        [
            (
                f"{option.name} / {choice.value}",
                f"{choice.quantity} x {choice.sku} + {money_text(choice.surcharge, currency)}",
            )
            for option in options
            for choice in option.choices
        ]
    )


def choices(text: str, currency: str) -> dict[str, tuple[str, int, int]]:
    """SKU, number and surcharge by "Option / Value". Raises ValueError with a sentence."""
    found = {}
    for name, value in pairs(text):
        match = re.fullmatch(r"([0-9]{1,6}) ?[x×*] ?(.+?)(?: \+ ([0-9.,]+))?", value)
        if match is None:
            raise ValueError(f"{shown(value)} is not like 2 x SKU + 5.00.")
        surcharge = money(match[3], currency) if match[3] else 0
        found[name] = (match[2].strip(), int(match[1]), surcharge)
    return found


def components_text(components: Components) -> str:
    """A bundle's parts, one to a line: "4 x RS1-PRO-WHT"."""
    return "\n".join(f"{quantity} x {sku}" for sku, quantity in components)


def components(text: str) -> Components:
    found = []
    for line in lines(text):
        match = re.fullmatch(r"([0-9]{1,6}) ?[x×*] ?(.+)", line)
        if match is None:
            raise ValueError(f"{shown(line)} is not like 2 x SKU.")
        found.append((match[2].strip(), int(match[1])))
    return tuple(found)


def size_text(size: tuple[int, int, int] | None) -> str:
    return " x ".join(map(str, size)) if size else ""


def size(text: str) -> tuple[int, int, int] | None:
    """Length, width and height in millimetres: "85 x 85 x 32"."""
    if not text:
        return None
    match = re.fullmatch(r"([0-9]{1,7}) ?[x×] ?([0-9]{1,7}) ?[x×] ?([0-9]{1,7})", text)
    if match is None:
        raise ValueError(f"The size {shown(text)} is not like 85 x 85 x 32.")
    return int(match[1]), int(match[2]), int(match[3])


def slug(text: str) -> str:
    """Small letters and digits with hyphens between; empty when nothing of it can stay."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return "-".join(re.findall("[a-z0-9]+", plain))


def handle(text: str) -> str:
    """The handle to use for that cell; empty when none can be made of it."""
    return text if re.fullmatch(HANDLE, text) else slug(text)


def made_up_sku(handle: str, values: Sequence[str]) -> str:
    """A SKU for a variant that has none, always the same for the same handle and options."""
    parts = [handle, *(slug(value) or _digest(value) for value in values)]
    made = ".".join(parts).upper()
    return made if len(made) <= 200 else f"{made[:190]}-{_digest(made)}"


def told_apart(sku: str, values: Sequence[str]) -> str:
    """The same for one of several whose options look alike in a SKU."""
    return f"{sku}-{_digest(repr(tuple(values)))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6].upper()
