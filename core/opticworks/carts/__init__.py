"""Carts: SKU and quantity, and what was typed into the checkout. Never a price that counts."""
