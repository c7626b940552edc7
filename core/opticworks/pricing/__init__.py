"""Pricing: one calculation, from a basket to a frozen quote with its trace and hash."""
