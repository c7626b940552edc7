"""Single-use links that are sent by mail: a forgotten password, a new address."""
