"""Settings that the shop and each plugin declare: defaults, then the ini, then the database."""
