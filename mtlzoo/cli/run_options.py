"""The options of a run in its `run.yaml`, and back on the command line by `--config`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from mtlzoo.cli.argument_types import OneLineParser

# What belongs to one run and not to another that is like it, or stands in its recipe.
OWN = ("out", "overwrite", "resume", "save-every", "quiet", "config", "recipe", "help")


def told_options(options: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """What a command was told, by the names of its options, without what has its default.

    Args:
        options: Its options.
        parser: The parser with its arguments.
    """
    told = {}
    for name, action in _actions(parser).items():
        value = getattr(options, action.dest, action.default)
        if name not in OWN and value != action.default:
            told[name] = value
    return told


def take_run_options(parser: OneLineParser, words: Sequence[str]) -> list[str]:
    """Let the options of the file that `--config` names be a parser's defaults.

    Args:
        parser: The parser of the command.
        words: What the command line says.

    Returns:
        The words, with the file's DATA before them.
    """
    finder = argparse.ArgumentParser(add_help=False)
    finder.add_argument("--config")
    path = finder.parse_known_args(list(words))[0].config
    if path is None:
        return list(words)
    from mtlzoo.training.run_file import TRAIN, read_run_file

    try:
        run = read_run_file(path)
        if run.command != TRAIN:
            raise ValueError(f"{path}: expected a run of `mtlzoo train`, received one of `mtlzoo {run.command}`.")
        options = {str(name).replace("_", "-"): value for name, value in run.options.items()}
        if not isinstance(options.get("data"), str):
            raise ValueError(f"{path}: expected `data` among the options, the label file or dataset.")
        known = {name: action for name, action in _actions(parser).items() if name not in OWN}
        if unknown := [name for name in options if name not in known]:
            raise ValueError(f"{path}: expected options among {', '.join(known)}, received: {unknown[0]!r}.")
        words_of_file = [word for name, value in options.items() for word in _words(name, value, known[name])]
    except (OSError, ValueError) as error:
        parser.error(str(error))
    parser.origin = f"{path}: "  # of what is wrong in the next line
    parsed = argparse.ArgumentParser.parse_args(parser, [options["data"], *words_of_file])
    parser.origin = ""
    parser.set_defaults(**{known[name].dest: getattr(parsed, known[name].dest) for name in options if name != "data"})
    if run.recipe is not None:
        parser.set_defaults(recipe=path)
    return [options["data"], *words]


def _actions(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The arguments of a parser by the names that people see; without old spellings, which have no help."""
    named = {}
    for action in parser._actions:  # there is no other way to ask for them
        if action.help != argparse.SUPPRESS:
            name = action.option_strings[-1].removeprefix("--") if action.option_strings else action.dest
            named[name] = action
    return named


def _words(name: str, value: Any, action: argparse.Action) -> list[str]:
    """An option as the command line has it."""
    if name == "data" or value is None or value is False:
        return []
    if action.nargs == 0 or isinstance(value, Mapping):
        if value is not True:
            raise ValueError(f"expected true or false as {name!r}, received: {str(value)[:100]!r}.")
        return [f"--{name}"]
    if not isinstance(value, list):
        return [f"--{name}={value}"]
    if isinstance(action, argparse._AppendAction):
        return [f"--{name}={each}" for each in value]
    return [f"--{name}={value[0]}"] if len(value) == 1 else [f"--{name}", *map(str, value)]
