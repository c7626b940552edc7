"""EasyPost on this machine: a stateful server that speaks EasyPost's wire protocol.

The real SDK talks to it unchanged. It knows the calls that the plugin makes, prices by weight,
zone and service, makes labels that a scanner reads, moves trackers on command, signs webhooks,
and has the faults a vendor can have. Not for production: its labels carry no postage.
"""
