"""The contract suites, and that they can fail."""
