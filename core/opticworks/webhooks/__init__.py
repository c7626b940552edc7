"""The inbox: what vendors report, verified, stored once, and worked through by the worker."""
