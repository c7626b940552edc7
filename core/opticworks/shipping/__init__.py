"""Shipping: rates fetched beforehand, shipments and their tracking."""
