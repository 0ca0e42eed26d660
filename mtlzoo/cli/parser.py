"""The argument parser of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mtlzoo import __version__
from mtlzoo.cli.argument_types import (
    OneLineParser,
    cache,
    count,
    drawn,
    file,
    fraction,
    path,
    pixels,
    positive,
    seed,
    whole,
)
from mtlzoo.system.registries import AUGMENTATIONS, BALANCING, EXPORTS, FORMATS, HEADS, MAKERS, MIXINGS, RECIPES
from mtlzoo.system.registry import Registry

DESCRIPTION = "One image, many predictions: multi-task Keras models trained on partly labelled images."


def parser(runs: Mapping[str, Callable[[argparse.Namespace], int | None]]) -> argparse.ArgumentParser:
    """The argument parser of all commands.

    Args:
        runs: What runs each command, by its name; in the options it is `run`, and `loads` is whether it needs TensorFlow.
    """
    top = OneLineParser(prog="mtlzoo", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"mtlzoo {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (help, fill) in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        command.set_defaults(run=runs[name], loads=name not in LIGHT)
        command.fill = fill
    return top


def _demo_arguments(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("--out", type=path, default=Path("demo-run"), help="the run folder (default: demo-run)")
    demo.add_argument("--images", type=count, help="how many photographs in all parts (default: all 2,001)")
    demo.add_argument(
        "--epochs", type=count, default=20, help="of the whole network, after 2 of the heads (default: 20)"
    )
    demo.add_argument("--seed", type=seed, default=0)
    demo.add_argument("--overwrite", action="store_true", help="replace an earlier run's files")


def _models_arguments(models: argparse.ArgumentParser) -> None:
    models.add_argument("pattern", nargs="?", default="*", help='names to list, such as "mobile*" (default: all)')


def _make_arguments(make: argparse.ArgumentParser) -> None:
    make.add_argument("kind", metavar="KIND", help=_any_of(MAKERS))
    make.add_argument("directory", metavar="DIR", type=path)
    make.add_argument("--layout", help="faces: utkface (the default) or mtfl")
    make.add_argument("--objects", type=whole(1, 5), help="shapes: the largest number in an image, 1 to 5 (default: 1)")
    make.add_argument("--images", type=drawn, default=2000, help="how many labelled images (default: 2000)")
    make.add_argument("--seed", type=seed, default=0)
    make.add_argument(
        "--overwrite",
        action="store_true",
        help="draw into a folder that holds something, in place of an earlier drawing",
    )


def _pack_arguments(pack: argparse.ArgumentParser) -> None:
    _data_arguments(pack)
    pack.add_argument("out", metavar="OUT", type=path, help="the folder; train on it with --format packed")
    pack.add_argument("--shards", type=count, metavar="FILES", help="how many files (default: of 128 MiB each)")
    pack.add_argument("--overwrite", action="store_true", help="replace a folder that holds a packed table")
    pack.add_argument("--seed", type=seed, default=0, help="mtfl: how training images are cut")
    _label_arguments(pack.add_argument_group("labels"))


def _evaluate_arguments(evaluate: argparse.ArgumentParser) -> None:
    _model_argument(evaluate)
    _data_arguments(evaluate)
    evaluate.add_argument("--by", nargs="+", metavar="COLUMN", help="report each group of these columns by itself, too")
    evaluate.add_argument("--out", type=path, help="a folder for the report and its images")
    evaluate.add_argument("--overwrite", action="store_true", help="replace an earlier report's files")
    evaluate.add_argument(
        "--explain", action="store_true", help="draw the worst mistakes, bright where the head looked"
    )
    _raw_cells_argument(evaluate)
    _views_argument(evaluate)


def _predict_arguments(predict: argparse.ArgumentParser) -> None:
    _model_argument(predict)
    predict.add_argument("images", metavar="IMAGE", nargs="+", help="files, folders, or patterns in quotes")
    predict.add_argument("--out", type=file, help="a CSV file; by default the predictions are printed")
    predict.add_argument("--overwrite", action="store_true", help="replace an existing file")
    _raw_cells_argument(predict)
    predict.add_argument("--probabilities", action="store_true", help="with all outputs of the network")
    _views_argument(predict)
    _image_arguments(predict)


def _suggest_arguments(suggest: argparse.ArgumentParser) -> None:
    _model_argument(suggest)
    _data_arguments(suggest)
    suggest.add_argument("--budget", type=count, default=200, metavar="CELLS", help="how many (default: 200)")
    suggest.add_argument(
        "--out", type=file, help="a CSV file, whose column label is to be filled in (default: printed)"
    )
    suggest.add_argument("--overwrite", action="store_true", help="replace an existing file")
    _raw_cells_argument(suggest)
    suggest.add_argument(
        "--more-models", nargs="+", type=path, default=[], metavar="MODEL", help="ask first what models disagree about"
    )
    suggest.add_argument(
        "--test-time-augmentation", choices=["flip"], help="ask first what is said otherwise of the mirror image"
    )
    suggest.add_argument("--seed", type=seed, default=0)


def _export_arguments(export: argparse.ArgumentParser) -> None:
    _model_argument(export)
    export.add_argument("out", metavar="OUT", type=path, help="model.h5, .keras, .tflite, .onnx, or a folder")
    export.add_argument("--format", help=f"{_any_of(EXPORTS)}, where the suffix does not say")
    export.add_argument("--runtime", choices=["local", "cdn"], help="web: in the folder, or from a public CDN")
    export.add_argument(
        "--overwrite", action="store_true", help="replace an existing file, or a folder of the same format"
    )


def _score_arguments(score: argparse.ArgumentParser) -> None:
    score.add_argument("submission", metavar="SUBMISSION", type=path)
    score.add_argument("answers", metavar="ANSWERS", type=path)
    score.add_argument("--ties", choices=["rows", "distinct"], default="rows", help="one term a row, or a threshold")


def _new_arguments(new: argparse.ArgumentParser) -> None:
    new.add_argument("project", metavar="PROJECT", type=path, help="the folder to make, which must not hold anything")
    new.add_argument(
        "--table", type=path, metavar="TABLE", help="your label file (default: photographs that come with mtlzoo)"
    )


def _completion_arguments(completion: argparse.ArgumentParser) -> None:
    completion.add_argument("shell", choices=["bash", "zsh", "fish"], help="the shell to print a script for")


def _any_of(registry: Registry[Any]) -> str:
    """The names of a registry as a list in a sentence."""
    *names, last = registry.names()
    return f"{', '.join(names)} or {last}"


def _heads_help() -> str:
    return (
        "columns to learn: NAME, NAME=KIND, size=ordinal:S,M,L or tags=multilabel:separator=/ (default: all); kinds: "
        + ", ".join(HEADS.names())
    )


def _model_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", type=path, help="an .h5 or .keras file that mtlzoo wrote")
    command.add_argument("--trust", action="store_true", help="load a file with Lambda layers, which run code")


def _raw_cells_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--raw-cells", action="store_true", help="CSV: no apostrophe before what a spreadsheet takes for a formula"
    )


def _views_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--test-time-augmentation",
        choices=["flip"],
        help="look at each image and its mirror image, and take the mean; twice the time",
    )


def _image_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--skip-bad", action="store_true", help="go on without unreadable images, and list them")
    command.add_argument(
        "--max-pixels",
        type=whole(1, 2**40),
        metavar="N",
        help="images with more are refused unread (default: 89,478,485, as Pillow)",
    )


def _data_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "data",
        metavar="DATA",
        type=path,
        help="a label file, the dataset's folder, or blood_cells: photographs that come with mtlzoo",
    )
    command.add_argument(
        "--format", choices=FORMATS.names(), default="csv", help="how the labels are kept (default: csv)"
    )
    command.add_argument(
        "--part",
        help="only these rows: train, valid or test (fashionai: train or answer; default: all, or what is to be trained on)",
    )
    command.add_argument(
        "--split-column",
        metavar="COLUMN",
        help="the column of train, valid and test (default: the one that holds these; none: split by chance)",
    )
    command.add_argument(
        "--corrections",
        nargs="+",
        type=path,
        default=[],
        metavar="CSV",
        help="files with the columns image (or row), head and label, whose labels are put in place of the table's",
    )
    _image_arguments(command)
    table = command.add_argument_group("how a label file is written (csv)")
    table.add_argument(
        "--missing",
        nargs="*",
        metavar="CELL",
        help="cells that mean a missing label, beside NA, ? and the like; alone: none but empty ones",
    )
    table.add_argument("--sep", metavar="CHARACTER", help="what divides cells, such as ';' or tab (default: as seen)")
    table.add_argument("--encoding", help="such as cp1252 (default: UTF-8, or UTF-16 as seen)")
    table.add_argument("--decimal", choices=[",", "."], help="what divides decimals (default: as seen)")
    table.add_argument(
        "--layout", choices=["wide", "long"], help="a column a head, or a row a label (default: as seen)"
    )


def _label_arguments(labels: Any) -> None:
    labels.add_argument("--heads", nargs="+", metavar="HEAD", help=_heads_help())
    labels.add_argument("--image", default="image", metavar="COLUMN", help="the column of images (default: image)")
    labels.add_argument("--ignore", nargs="+", default=[], metavar="COLUMN", help="columns that are no heads")
    labels.add_argument("--group", metavar="COLUMN", help="rows with the same value stay in one part")
    labels.add_argument("--maybe", choices=["ignore", "soft"], default="ignore", help="fashionai: what an m means")


def _train_arguments(train: argparse.ArgumentParser) -> None:
    _data_arguments(train)
    train.add_argument("--out", metavar="RUN", type=path, help="the run folder (default: labels-run for labels.csv)")
    train.add_argument("--quiet", action="store_true", help="print the report alone, and what goes wrong")
    train.add_argument("--overwrite", action="store_true", help="replace an earlier run's files")
    _raw_cells_argument(train)
    train.add_argument("--seed", type=seed, default=0)

    labels = train.add_argument_group("labels")
    _label_arguments(labels)
    labels.add_argument(
        "--valid",
        type=fraction,
        metavar="FRACTION",
        help="rows that choose the best epoch (0.1, if no column says the parts)",
    )
    labels.add_argument("--test", type=fraction, metavar="FRACTION", help="rows for the report alone (likewise)")
    labels.add_argument("--rest", choices=["train", "valid", "test"], help="the part of rows for which none is given")
    labels.add_argument(
        "--only-if",
        nargs="+",
        metavar="HEAD:PARENT=CLASS,...",
        help="ask a head only where another one has these labels; found: as the labels suggest",
    )
    labels.add_argument("--class-weight", choices=["balanced"], help="rare classes weigh as much as frequent ones")

    network = train.add_argument_group("network")
    network.add_argument("--backbone", help="see `mtlzoo models`, or hub:PRESET of KerasHub (default: MobileNetV2)")
    network.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="for the backbone: alpha=0.25"
    )
    network.add_argument(
        "--image-size", nargs="+", type=pixels, metavar="PIXELS", help="one number or height and width"
    )
    network.add_argument("--weights", default="auto", help="imagenet, none, or a file (default: imagenet if there are)")
    network.add_argument("--feature-layer", metavar="LAYER", help="the layer at which the backbone ends")
    network.add_argument(
        "--feature-layers",
        nargs="+",
        metavar="LAYER",
        help="several layers: their maps, on the finest grid, side by side",
    )
    network.add_argument("--cut", dest="feature_layer", help=argparse.SUPPRESS)  # the old name, which goes with 1.0
    network.add_argument(
        "--pooling",
        choices=["avg", "max", "flatten", "attention"],
        default="avg",
        help="how a feature map becomes a vector; attention: each head looks for itself",
    )
    network.add_argument("--dropout", type=fraction, default=0.2, metavar="FRACTION")
    network.add_argument(
        "--hidden", nargs="+", type=whole(1, 65_536), default=[], metavar="UNITS", help="hidden layers of every head"
    )
    network.add_argument("--precision", choices=["float32", "mixed_float16", "mixed_bfloat16"], default="float32")
    network.add_argument("--resize", choices=["stretch", "crop", "pad"], default="stretch")

    training = train.add_argument_group("training")
    training.add_argument(
        "--stages",
        nargs="+",
        metavar="PART:EPOCHS:RATE[:SCHEDULE]",
        help="such as heads:2:1e-3 all:20:1e-3:cosine, or the name of a recipe whose stages to take (default: those two)",
    )
    training.add_argument(
        "--recipe",
        default="default",
        metavar="NAME",
        help=f"all settings of a training: {', '.join(RECIPES.names())}; the options here override its own",
    )
    training.add_argument(
        "--minutes", type=positive, help="how long to train, in place of the stages' epochs (a few steps are measured)"
    )
    training.add_argument("--batch-size", type=count, help="images a step (default: the recipe's, 32)")
    training.add_argument(
        "--label-smoothing",
        type=fraction,
        metavar="FRACTION",
        help="how much of each label is spread over all classes (default: the recipe's)",
    )
    training.add_argument(
        "--balancing",
        metavar="METHOD[:KEY=VALUE,...]",
        help="how the heads' losses become one step, such as cagrad:c=0.4 (default: their sum): " + _any_of(BALANCING),
    )
    training.add_argument("--jit-compile", action="store_true", help="let XLA compile the step on a CPU too")
    training.add_argument("--devices", metavar="all|NUMBER|NAMES", help="what to train on (default: one device)")
    training.add_argument("--resume", action="store_true", help="go on where a training into the run folder broke off")
    training.add_argument(
        "--monitor", action="store_true", help="log weights and conflicts of the heads, and draw balancing.png"
    )
    training.add_argument("--augment", help=f"{', '.join(AUGMENTATIONS.names())} or none (default: the recipe's)")
    training.add_argument(
        "--mix", help=f"mix images and their labels: {', '.join(MIXINGS.names())} (default: the recipe's)"
    )
    training.add_argument(
        "--sampling", choices=["repeat_factor", "balanced"], help="draw rows with rare labels more often, in all heads"
    )
    training.add_argument(
        "--teacher",
        nargs="+",
        metavar="MODEL|itself",
        help="who fills in missing labels: models or run folders of earlier trainings, or the network itself",
    )
    training.add_argument(
        "--distill",
        type=positive,
        metavar="WEIGHT",
        help="how much the teacher counts beside labels that there are (0)",
    )
    training.add_argument("--unlabelled", type=path, metavar="FOLDER", help="further images, for the teacher alone")
    training.add_argument(
        "--features",
        default="auto",
        metavar="auto|none|VIEWS",
        help="stages that train heads: look at each image once where that is the same, never, or so many views of it",
    )
    training.add_argument(
        "--feature-cache", metavar="FOLDER", type=path, help="keep features in files, for other runs too"
    )
    training.add_argument(
        "--cache", metavar="memory|DIR", type=cache, help="keep decoded images there (default: decode each epoch)"
    )
    training.add_argument("--patience", type=count, help="epochs without a better score that end a stage")
    training.add_argument("--tensorboard", action="store_true", help="write logs for TensorBoard into the run folder")


# The help of each command, and what adds its arguments once it is the one that was asked for: names of plug-ins, which are
# looked for then, cost as much as the rest of the parser.
COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "demo": ("train on photographs that come along, and leave a run folder", _demo_arguments),
    "models": ("list the backbones", _models_arguments),
    "make-data": ("draw a dataset in the layout of a real one", _make_arguments),
    "train": ("train a model on images and a label file", _train_arguments),
    "pack": ("put images and labels into a few large files (TFRecord)", _pack_arguments),
    "evaluate": ("evaluate a model on labelled images", _evaluate_arguments),
    "predict": ("predict for images", _predict_arguments),
    "suggest": ("list the missing labels that are worth asking for", _suggest_arguments),
    "export": ("write a model in another format", _export_arguments),
    "score": ("the FashionAI score of a submission", _score_arguments),
    "new": ("write a small Python project to go on from", _new_arguments),
    "completion": ("print what makes a shell complete commands and options", _completion_arguments),
}
# Commands that do without TensorFlow.
LIGHT = ("models", "score", "new", "completion")
