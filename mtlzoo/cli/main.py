"""The command line: parses, calls, prints. No logic of its own, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mtlzoo.cli.argument_types import one_line
from mtlzoo.cli.parser import parser
from mtlzoo.system.startup import load_quietly


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the program's name; by default the process's own.

    Returns:
        The exit code: 0, 2 for bad input (one line on standard error) or none (the help), 130 if interrupted.
    """
    arguments, commands = sys.argv[1:] if arguments is None else arguments, parser()
    if not arguments:
        commands.print_help(sys.stderr)
        return 2
    options = commands.parse_args(arguments)
    try:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text at all
        if options.loads:
            load_quietly()
        if getattr(options, "max_pixels", None) is not None:
            from mtlzoo.data import set_max_pixels

            set_max_pixels(options.max_pixels)
        if "data" in options:
            from mtlzoo.cli import runs

            options.named = options.data
            options.data, options.format = runs.find_bundled(options.data, options.format)
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError) as error:
        return _refuse(str(error))
    except MemoryError as error:
        return _refuse(f"There is not enough memory. {error}")
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow"):
            raise
        return _refuse(getattr(error, "message", str(error)))  # such as a lack of memory on a device


def _refuse(message: str) -> int:
    print(one_line(f"mtlzoo: error: {message}"), file=sys.stderr)
    return 2
