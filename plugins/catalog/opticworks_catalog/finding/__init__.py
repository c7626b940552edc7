"""Finding products: the search index, what a query means, filters, and addresses that moved."""
