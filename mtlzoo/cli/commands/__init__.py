"""A module for each command: what it takes, and what it calls. The list of them is in `mtlzoo/cli/parser.py`."""
