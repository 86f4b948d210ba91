"""`python -m opticlir` is `opticlir`."""

from opticlir.cli import main

main()
