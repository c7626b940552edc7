"""Orders: quotes frozen, with their lines, and how they are shown."""
