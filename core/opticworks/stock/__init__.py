"""Stock: a ledger of movements, counters as projections, holds that expire."""
