"""Resend on this machine: a stateful server that speaks Resend's wire protocol.

The real SDK talks to it unchanged. It knows the calls that the plugin makes, Resend's addresses
for tests, idempotent replays, signed webhooks, a rate limit, and the faults a vendor can have.
Not for production: it delivers nothing.
"""
