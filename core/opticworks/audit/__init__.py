"""Who did what, when: an append-only record of everything staff change."""
