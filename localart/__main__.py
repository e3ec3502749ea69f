"""`python -m localart` is the `localart` command."""

from localart.cli import main

main()
