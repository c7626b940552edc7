"""The people who run the shop: accounts, roles, permissions, signing in."""
