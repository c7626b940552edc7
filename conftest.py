"""Fixtures for every test of this repository, the plugins' own included."""

pytest_plugins = ["opticworks.testing.servers", "opticworks.testing.shops"]
