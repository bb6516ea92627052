"""`python -m stoa_devkit` is `stoa`."""

from stoa_devkit.cli import main

main()
