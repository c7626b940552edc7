"""What embedded servers say when they cannot serve."""

from opticworks.config import ConfigError


class EmbeddedError(ConfigError):
    """An embedded server could not be started, reached or stopped; the text says what to do."""
