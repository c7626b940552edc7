"""`python -m opticworks.cli` is `opticworks`."""

from opticworks.cli import main

main(prog_name="opticworks")
