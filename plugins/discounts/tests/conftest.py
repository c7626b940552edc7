"""What the discounts' tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from opticworks.testing.counter import open_counter

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def counter(make_shop):
    """A shop that sells A at $10, B at $2.50 and SHOE-1 at $40, with no discounts yet."""
    counter = open_counter(make_shop, plugins=("discounts",))
    counter.stock("A", 100, "10.00")
    counter.stock("B", 100, "2.50")
    counter.stock("SHOE-1", 100, "40.00")
    return counter
