"""The kernel's own entries of the admin menu."""
