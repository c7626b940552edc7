"""What embedded servers say when they cannot serve."""


class EmbeddedError(RuntimeError):
    """An embedded server could not be started, reached or stopped; the text says what to do."""
