"""Products to and from a file in Shopify's product CSV format.

A file goes one way through these modules: `sheet` reads rows, `parsing` makes products of them,
`merging` lays each over what the shop has, `loading` writes them in batches, `pictures` keeps
and fetches their addresses; `report` says what happened to every row. `dumping` is the way back.
"""
