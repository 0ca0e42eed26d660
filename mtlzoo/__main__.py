"""`python -m mtlzoo` is the command line."""

import sys

from mtlzoo.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
