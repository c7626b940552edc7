"""Measures the shop on this machine: see README.md. `python -m bench` runs everything."""
