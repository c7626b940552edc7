"""Returns: what comes back of an order, why, in which condition, and withdrawals from it."""
