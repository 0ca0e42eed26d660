"""The argument parser of the command line, and the list of its commands."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass
from types import ModuleType

from mtlzoo import __version__
from mtlzoo.cli.argument_types import OneLineParser

DESCRIPTION = "One image, many predictions: multi-task Keras models trained on partly labelled images."


@dataclass(frozen=True)
class Command:
    """A command, whose arguments and work are in a module of `mtlzoo/cli/commands/` that is loaded when it is asked for.

    Attributes:
        help: What it does, in a line.
        loads: Whether it needs TensorFlow.
    """

    help: str
    loads: bool = True


COMMANDS = {
    "demo": Command("train on photographs that come along, and leave a run folder"),
    "models": Command("list the backbones", loads=False),
    "make-data": Command("draw a dataset in the layout of a real one"),
    "audit": Command("look for wrong, missing and contradictory labels, and odd images"),
    "train": Command("train a model on images and a label file"),
    "tune": Command("search for a recipe by training many times"),
    "pack": Command("put images and labels into a few large files (TFRecord)"),
    "evaluate": Command("evaluate a model on labelled images"),
    "report": Command("write what a trained model is and how good it is into one HTML file"),
    "compare": Command("compare runs on the same test rows: is the difference real?"),
    "predict": Command("predict for images", loads=False),  # exported files do without
    "calibrate": Command('fit probabilities, thresholds, "not sure" and sets on validation rows'),
    "serve": Command("answer requests over HTTP with predictions", loads=False),
    "suggest": Command("list the missing labels that are worth asking for"),
    "export": Command("write a model in another format"),
    "benchmark": Command("what each format and precision of a model costs"),
    "score": Command("the FashionAI score of a submission", loads=False),
    "new": Command("write a small Python project to go on from", loads=False),
    "completion": Command("print what makes a shell complete commands and options", loads=False),
}


def parser() -> argparse.ArgumentParser:
    """The argument parser of all commands; in the options `run` is what runs one, and `loads` as in :class:`Command`."""
    top = OneLineParser(prog="mtlzoo", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"mtlzoo {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, known in COMMANDS.items():
        description = f"{known.help[0].upper()}{known.help[1:]}."
        command = commands.add_parser(name, help=known.help, description=description)
        # Names of plug-ins, which are looked for then, cost as much as the rest of the parser.
        command.fill = lambda command, name=name: command_module(name).add_arguments(command)
        command.set_defaults(run=lambda options, name=name: command_module(name).run(options), loads=known.loads)
    return top


def command_module(name: str) -> ModuleType:
    """The module with the arguments and the work of a command."""
    return importlib.import_module(f"mtlzoo.cli.commands.{name.replace('-', '_')}")
