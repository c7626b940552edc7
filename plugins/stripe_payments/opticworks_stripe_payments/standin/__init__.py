"""Stripe on this machine: a stateful server that speaks Stripe's wire protocol.

The real SDK talks to it unchanged, and so does a browser through its own Stripe.js. It knows
the calls that the plugin makes, the test cards of Stripe's documentation, idempotent replays,
signed webhooks, and the faults a vendor can have. Not for production: it takes no money.
"""
