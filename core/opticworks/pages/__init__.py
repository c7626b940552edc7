"""Pages: texts of the shop that are no product (about, shipping, privacy)."""
