"""`run.yaml`: what a run was told, the rows that it saw, all settings of its training, and versions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtlzoo.data import LabelTable
from mtlzoo.data.content import file_digests
from mtlzoo.files.yaml_files import read_yaml, write_yaml
from mtlzoo.training.arguments import labels_digest
from mtlzoo.training.recipe import Recipe
from mtlzoo.training.tracking.parameters import versions

FILE = "run.yaml"
TRAIN = "train"  # the command whose runs `--config` takes
AGAIN = ", which comes again with: mtlzoo train --config run.yaml --out ANOTHER_FOLDER"
NOTES = "Paths are those that were told, from the folder in which the command ran."
OPTIONAL = (dict, type(None))
KINDS: dict[str, type | tuple[type, ...]] = {
    **{"command": str, "options": dict, "split": (str, type(None))},
    **{"data": dict, "recipe": OPTIONAL, "versions": dict},
}


@dataclass(frozen=True)
class RunFile:
    """The content of `run.yaml`.

    Attributes:
        command: The command, `"train"` or `"demo"`.
        options: What it was told, by the names of its options; what was left out had its default.
        split: The column that divided the rows; `None` for by chance.
        data: For each part of the rows how many there are, and checksums of their labels and of the content of their images.
        recipe: All settings of the training, see :meth:`mtlzoo.Recipe.get_config`.
        versions: Of mtlzoo, Keras, TensorFlow and Python.
    """

    command: str = TRAIN
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = None
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """All of it by single names, as reports list it."""
        rows = {f"{part}_rows": facts.get("rows") for part, facts in self.data.items()}
        return {**self.options, "split": self.split, **rows, **self.versions, "recipe": self.recipe}


def describe_run(
    command: str,
    options: Mapping[str, Any],
    split: str | None,
    parts: Mapping[str, LabelTable],
    recipe: Recipe,
) -> RunFile:
    """What is written of a run; the file of every image is read.

    Args:
        command: The command.
        options: What it was told.
        split: The column that divided the rows; `None` for by chance.
        parts: The rows by the names of their parts, bound to the model's heads.
        recipe: All settings of the training.

    Raises:
        TableError: If an image cannot be read.
    """
    data = {part: checksums(table) for part, table in parts.items()}
    return RunFile(command, options, split, data, recipe.get_config(), versions())


def checksums(table: LabelTable) -> dict[str, Any]:
    """How many rows there are, and checksums of names and labels, and of the content of images.

    Raises:
        TableError: If an image cannot be read; it names the row.
    """
    images = hashlib.sha256(b"".join(file_digests(table))).hexdigest()[:12]
    return {"rows": len(table), "labels": labels_digest(table), "images": images}


def other_data(run: RunFile, parts: Mapping[str, LabelTable]) -> str | None:
    """In what the rows are not those of an earlier run, in a line; `None` if they are the same.

    Args:
        run: The earlier run.
        parts: The rows now, as for :func:`describe_run`.
    """
    differing = []
    for part, table in parts.items():
        then, now = run.data.get(part, {}), checksums(table)
        named = [name for name in now if name in then and then[name] != now[name]]
        if named:
            differing.append(f"{part} ({', '.join(named)})")
    if not differing:
        return None
    return f"The data are not those of the earlier run, so that the numbers will be others: {', '.join(differing)}."


def write_run(run: RunFile, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write `run.yaml`.

    Raises:
        OutputError: If the file is there and not to be replaced.
    """
    title = f"A run of `mtlzoo {run.command}`{AGAIN if run.command == TRAIN else ''}"
    return write_yaml(path, vars(run), f"{title}\n{NOTES}", overwrite=overwrite)


def read_run_file(path: str | os.PathLike[str]) -> RunFile:
    """Read `run.yaml`.

    Raises:
        ValueError: If it is no such file; the message names it and what is wrong.
        OSError: If it cannot be read.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or "options" not in content:
        raise ValueError(
            f"{path}: expected what a run was told, with `options` by their names, received something else."
        )
    for name, value in content.items():
        if name not in KINDS:
            raise ValueError(f"{path}: expected {', '.join(KINDS)}, received: {name!r}.")
        if not isinstance(value, KINDS[name]):
            raise ValueError(f"{path}: expected something else as `{name}`, received: {str(value)[:100]!r}.")
    if any(not isinstance(facts, dict) for facts in content.get("data", {}).values()):
        raise ValueError(f"{path}: expected `rows`, `labels` and `images` for each part of `data`.")
    return RunFile(**content)
