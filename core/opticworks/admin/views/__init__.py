"""The admin's pages, one module per menu entry."""
