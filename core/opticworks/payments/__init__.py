"""Payments: attempts and the append-only ledger of what happened to them."""
