"""The pages that are asked for."""

from __future__ import annotations

from bench import seed
from bench.visits import Target

PER_PAGE = 24


def of(page: str) -> list[Target]:
    """Every page of that kind, each with text that only it shows."""
    if page == "home":
        return [Target("/", b'id="featured-title"')]
    if page == "listing":
        return [
            Target(
                "/products" + (f"?page={number + 1}" if number else ""), _title(number * PER_PAGE)
            )
            for number in range(-(-seed.PRODUCTS // PER_PAGE))
        ]
    if page == "product":
        return [
            Target(
                f"/products/{seed.handle(number)}",
                b'<h1 class="product-title">' + _title(number),
                seed.sku(number, 0),
            )
            for number in range(seed.PRODUCTS)
        ]
    raise ValueError(f"There is no page {page!r}: home, listing or product.")


def _title(number: int) -> bytes:
    return seed.title(number).encode()
