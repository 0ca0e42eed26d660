"""The command line: `main.py` has its commands, `runs.py` the whole jobs behind them."""
