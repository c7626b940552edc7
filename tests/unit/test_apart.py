"""What only the start needs is asked in a child process."""

from __future__ import annotations

import os
import sys

import pytest

from opticworks.config import ConfigError
from opticworks.web.memory import apart


def test_it_is_answered_by_another_process_that_leaves_nothing_behind():
    def ask():
        import this  # noqa: F401

        return os.getpid()

    assert apart(ask) != os.getpid()
    assert "this" not in sys.modules


def test_its_error_is_raised_here():
    def refuse():
        raise ConfigError("The tables are old.")

    with pytest.raises(ConfigError, match="The tables are old"):
        apart(refuse)
