"""Whole jobs: from a dataset to a folder that holds the model, its report and its images."""

from mtlzoo.cli.building import build_network, input_shape
from mtlzoo.cli.conditions import ask_only_if
from mtlzoo.cli.demo import demo
from mtlzoo.cli.fonts import fonts_of_all_scripts
from mtlzoo.cli.mistakes import FILE as MISTAKES
from mtlzoo.cli.mistakes import plot_mistakes
from mtlzoo.cli.reading import (
    check_told_parts,
    choose_rows,
    configure_heads,
    correct,
    divide,
    drop_bad_images,
    find_bundled,
    make_data,
    parse_heads,
    parse_option,
    read_for_model,
    read_questions,
    read_table,
    reader_arguments,
)
from mtlzoo.cli.recipe_options import parse_balancing, parse_devices, parse_features, parse_stages, recipe_of
from mtlzoo.cli.reporting import GROUPS, as_text, check_files, report_files, report_groups, report_run
from mtlzoo.cli.small_network import small_network
from mtlzoo.cli.suggesting import suggest, training_rows, validation_rows
from mtlzoo.cli.time_left import TimeLeft, guess_epochs
from mtlzoo.cli.training import (
    RunOptions,
    check_run,
    is_run,
    tracking_of,
    train_run,
)
from mtlzoo.files.spreadsheets import write_csv

__all__ = [
    "GROUPS",
    "MISTAKES",
    "RunOptions",
    "TimeLeft",
    "as_text",
    "ask_only_if",
    "build_network",
    "check_files",
    "check_run",
    "check_told_parts",
    "choose_rows",
    "configure_heads",
    "correct",
    "demo",
    "divide",
    "drop_bad_images",
    "find_bundled",
    "fonts_of_all_scripts",
    "guess_epochs",
    "input_shape",
    "is_run",
    "make_data",
    "parse_balancing",
    "parse_devices",
    "parse_features",
    "parse_heads",
    "parse_option",
    "parse_stages",
    "plot_mistakes",
    "read_for_model",
    "read_questions",
    "read_table",
    "recipe_of",
    "reader_arguments",
    "report_files",
    "report_groups",
    "report_run",
    "small_network",
    "suggest",
    "training_rows",
    "tracking_of",
    "train_run",
    "validation_rows",
    "write_csv",
]
