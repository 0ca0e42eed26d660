"""The command line: parses, calls, prints. No logic of its own, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlzoo import workers
from mtlzoo._version import __version__
from mtlzoo.startup import load_quietly

READERS = ("csv", "fashionai", "folders", "mtfl", "shapes", "utkface")
DESCRIPTION = "One picture, many answers: multi-task Keras models trained on partly labelled images."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the program's name; by default the process's own.

    Returns:
        The exit code: 0, 2 for bad input (one line on standard error), 130 if interrupted.
    """
    options = parser().parse_args(arguments)
    try:
        if options.loads:
            load_quietly()
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError) as error:
        return _refuse(str(error))
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow"):
            raise
        # What a picture that broke off in mid-training says arrives wrapped by TensorFlow: "TableError: ...".
        lines = [line for line in str(error).splitlines() if "Error: " in line]
        return _refuse((lines or [str(error)])[0].split("Error: ", 1)[-1])


def _refuse(message: str) -> int:
    print(f"mtlzoo: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


# === Commands ===


def _demo(options: argparse.Namespace) -> int:
    from mtlzoo import runs

    return runs.demo(options.out, images=options.images, epochs=options.epochs, seed=options.seed)


def _models(options: argparse.Namespace) -> None:
    from mtlzoo.backbones.registry import BACKBONES, list_backbones

    names = list_backbones(options.pattern)
    if not names:
        raise ValueError(f"No backbone fits {options.pattern!r}; all of them: {', '.join(BACKBONES)}.")
    print(f"{'backbone':<20}{'parameters':>14}{'usual size':>12}{'smallest':>10}  ImageNet weights")
    for spec in map(BACKBONES.get, names):
        usual, smallest = ("x".join(map(str, size)) for size in (spec.usual_size, spec.minimum_size))
        print(f"{spec.name:<20}{spec.parameters:>14,}{usual:>12}{smallest:>10}  {'yes' if spec.imagenet else 'no'}")


def _make_data(options: argparse.Namespace) -> None:
    from mtlzoo import runs

    directory = runs.make_data(
        options.kind,
        options.directory,
        layout=options.layout,
        objects=options.objects,
        images=options.images,
        seed=options.seed,
        overwrite=options.overwrite,
        progress=True,
    )
    print(f"Drew {options.images} labelled images into {directory}.")


def _train(options: argparse.Namespace) -> int:
    import keras

    from mtlzoo import runs
    from mtlzoo.data import split
    from mtlzoo.models import build

    _fresh_folder(options.out, options.overwrite or options.resume or not workers.is_chief())
    stages = runs.parse_stages(options.stages, options.patience)
    balancing = runs.parse_balancing(options.balancing)
    features = runs.parse_features(options.features, options.feature_cache)
    table = runs.read_table(options.data, options.format, **_format_arguments(options))
    _tell_notes(table)
    head_options = {"hidden": options.hidden, "label_smoothing": options.label_smoothing}
    table = runs.configure_heads(table, {**head_options, "class_weight": options.class_weight})
    table.check()
    keras.utils.set_random_seed(options.seed)
    model = build(  # before the pictures are read, so that a wrong name costs nobody's time
        options.backbone,
        table.heads,
        _input_shape(options.image_size),
        None if options.weights == "none" else options.weights,
        cut=options.cut,
        pooling=options.pooling,
        dropout=options.dropout,
        resize=options.resize,
        precision=options.precision,
        **dict(map(runs.parse_option, options.option)),
    )
    table, skipped = runs.drop_bad_images(table, options.skip_bad, progress=True)
    _tell_skipped(skipped)
    shares = [1 - options.valid - options.test, options.valid, options.test]
    train, valid, test = split(table, shares, group=options.group, seed=options.seed)
    print(f"{len(train)} rows to train on, {len(valid)} to choose the best epoch by, {len(test)} for the report.")
    report, history = runs.train_run(
        model,
        train,
        valid,
        test,
        options.out,
        stages,
        questions=runs.read_questions(options.data, options.format),
        settings={name: value for name, value in vars(options).items() if name not in ("run", "loads")},
        skipped=skipped,
        batch_size=options.batch_size,
        augment=None if options.augment == "none" else options.augment,
        balancing=balancing,
        monitor=options.monitor,
        jit_compile=True if options.jit_compile else "auto",
        seed=options.seed,
        features=features,
        devices=runs.parse_devices(options.devices),
        resume=options.resume,
        callbacks=runs.tensorboard(options.out) if options.tensorboard else (),
    )
    print(runs.as_text(report))
    print(f"\nWrote {options.out}.")
    return 130 if history.interrupted else 0


def _evaluate(options: argparse.Namespace) -> None:
    from mtlzoo import runs
    from mtlzoo.evaluation import evaluate
    from mtlzoo.evaluation.prediction import placed_outputs
    from mtlzoo.export import load_model

    if options.out is not None:
        _fresh_folder(options.out, options.overwrite)
    model = load_model(options.model, trusted=options.trust)
    table = runs.read_for_model(options.data, options.format, model, options.part)
    table, skipped = runs.drop_bad_images(table, options.skip_bad)
    _tell_skipped(skipped)
    _tell_notes(table)
    answered = placed_outputs(model, table)  # once for both reports
    if options.out is None:
        report = evaluate(model, table, predictions=answered[0], placement=answered[1])
    else:
        report = runs.report_run(model, table, options.out, answered)
    print(runs.as_text(report))
    if options.by:
        print(f"\n{runs.as_text(runs.report_groups(model, table, options.by, options.out, answered))}")


def _predict(options: argparse.Namespace) -> None:
    from mtlzoo import runs
    from mtlzoo.data import Table
    from mtlzoo.evaluation import predict
    from mtlzoo.export import load_model

    model = load_model(options.model, trusted=options.trust)
    table, skipped = runs.drop_bad_images(Table.of_images(options.images), options.skip_bad)
    _tell_skipped(skipped)
    if not len(table):
        raise ValueError("No picture is left to look at.")
    frame = predict(model, table, probabilities=options.probabilities)
    if options.out is None:
        print(frame.to_string(index=False))
    else:
        runs.write_csv(Path(options.out), frame)
        print(f"Wrote {len(frame)} rows to {options.out}.")


def _export(options: argparse.Namespace) -> None:
    from mtlzoo.export import export, load_model

    _fresh_file(options.out, options.overwrite)
    runtime = {} if options.runtime is None else {"runtime": options.runtime}
    model = load_model(options.model, trusted=options.trust)
    print(f"Wrote {export(model, options.out, options.format, **runtime)}.")


def _score(options: argparse.Namespace) -> None:
    from mtlzoo.evaluation import fashionai_score

    print(
        fashionai_score(options.submission, options.answers, ties=options.ties).to_string(float_format="{:.6f}".format)
    )


# === Checks and messages ===


def _format_arguments(options: argparse.Namespace) -> dict[str, Any]:
    if options.format == "fashionai":
        return {"part": options.part, "maybe": options.maybe}
    if options.format == "mtfl":
        return {"part": options.part, "seed": options.seed}
    if options.format == "shapes":
        return {"part": options.part}
    if options.format == "csv":
        from mtlzoo.runs import parse_heads

        heads = parse_heads(options.heads)
        return {"heads": heads, "image": options.image, "group": options.group, "ignore": options.ignore}
    return {}


def _input_shape(pixels: Sequence[int] | None) -> tuple[int, int, int] | None:
    if pixels is None:
        return None
    if len(pixels) > 2:
        raise ValueError(f"Expected --image-size as one number, or height and width, received: {pixels}.")
    return (pixels[0], pixels[-1], 3)


def _fresh_folder(path: Path, overwrite: bool) -> None:
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not overwrite):
        raise FileExistsError(f"{path} exists already and is left as it is; choose another folder or say --overwrite.")


def _fresh_file(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already and is left as it is; choose another name or say --overwrite.")


def _tell_notes(table: Any) -> None:
    for note in table.notes:
        print(f"Note: {note}", file=sys.stderr)


def _tell_skipped(lines: Sequence[str]) -> None:
    for line in lines:
        print(f"Skipped {line}", file=sys.stderr)


# === Arguments ===


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="mtlzoo", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"mtlzoo {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = _command(commands, "demo", _demo, "draw a dataset, train on it, and leave a run folder")
    demo.add_argument("--out", type=Path, default=Path("demo-run"), help="the run folder (default: demo-run)")
    demo.add_argument("--images", type=int, default=6000, help="how many training images to draw (default: 6000)")
    demo.add_argument("--epochs", type=int, default=24, help="how often to go over them (default: 24)")
    demo.add_argument("--seed", type=int, default=0)

    models = _command(commands, "models", _models, "list the backbones", loads=False)
    models.add_argument("pattern", nargs="?", default="*", help='names to list, such as "mobile*" (default: all)')

    make = _command(commands, "make-data", _make_data, "draw a dataset in the layout of a real one")
    make.add_argument("kind", metavar="KIND", help="fashion, faces or shapes")
    make.add_argument("directory", metavar="DIR", type=Path)
    make.add_argument("--layout", help="faces: utkface (the default) or mtfl")
    make.add_argument("--objects", type=int, help="shapes: the largest number in a picture, 1 to 5 (default: 1)")
    make.add_argument("--images", type=int, default=2000, help="how many labelled images (default: 2000)")
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--overwrite", action="store_true", help="draw into a folder that holds something")

    _train_arguments(_command(commands, "train", _train, "train a model on photographs and a label file"))

    evaluate = _command(commands, "evaluate", _evaluate, "judge a model on labelled photographs")
    _model_argument(evaluate)
    _data_arguments(evaluate)
    evaluate.add_argument("--by", nargs="+", metavar="COLUMN", help="judge each group of these columns by itself, too")
    evaluate.add_argument("--out", type=Path, help="a folder for the report and its pictures")
    evaluate.add_argument("--overwrite", action="store_true", help="write into a folder that holds something")

    predict = _command(commands, "predict", _predict, "answer for photographs")
    _model_argument(predict)
    predict.add_argument("images", metavar="IMAGE", nargs="+")
    predict.add_argument("--out", type=Path, help="a CSV file; by default the answers are printed")
    predict.add_argument("--probabilities", action="store_true", help="with all numbers that the network puts out")
    predict.add_argument("--skip-bad", action="store_true", help="go on without unreadable pictures")

    export = _command(commands, "export", _export, "write a model in another format")
    _model_argument(export)
    export.add_argument("out", metavar="OUT", type=Path, help="model.h5, .keras, .tflite, .onnx, or a folder")
    export.add_argument("--format", help="h5, keras, litert, onnx, savedmodel or web, where the suffix does not say")
    export.add_argument("--runtime", choices=["local", "cdn"], help="web: in the folder, or from a public CDN")
    export.add_argument("--overwrite", action="store_true", help="replace an existing file")

    score = _command(commands, "score", _score, "the FashionAI score of a submission", loads=False)
    score.add_argument("submission", metavar="SUBMISSION", type=Path)
    score.add_argument("answers", metavar="ANSWERS", type=Path)
    score.add_argument("--ties", choices=["rows", "distinct"], default="rows", help="one term a row, or a threshold")
    return top


def _command(commands: Any, name: str, run: Any, help: str, loads: bool = True) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
    command.set_defaults(run=run, loads=loads)
    return command


def _model_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", type=Path, help="an .h5 or .keras file that mtlzoo wrote")
    command.add_argument("--trust", action="store_true", help="load a file with Lambda layers, which run code")


def _data_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", metavar="DATA", type=Path, help="a label file or the dataset's folder")
    command.add_argument("--format", choices=READERS, default="csv", help="how the labels are kept (default: csv)")
    command.add_argument("--part", default="train", help="fashionai: train or answer; mtfl and shapes: train or test")
    command.add_argument("--skip-bad", action="store_true", help="go on without unreadable pictures, and list them")


def _train_arguments(train: argparse.ArgumentParser) -> None:
    _data_arguments(train)
    train.add_argument("--out", metavar="RUN", type=Path, required=True, help="the run folder")
    train.add_argument("--overwrite", action="store_true", help="write into a folder that holds something")
    train.add_argument("--seed", type=int, default=0)

    labels = train.add_argument_group("labels")
    labels.add_argument("--heads", nargs="+", metavar="HEAD", help="columns to learn, NAME or NAME=KIND (default: all)")
    labels.add_argument("--image", default="image", metavar="COLUMN", help="the column of images (default: image)")
    labels.add_argument("--ignore", nargs="+", default=[], metavar="COLUMN", help="columns that are no heads")
    labels.add_argument("--group", metavar="COLUMN", help="rows with the same value stay in one part")
    labels.add_argument("--maybe", choices=["ignore", "soft"], default="ignore", help="fashionai: what an m means")
    labels.add_argument(
        "--valid", type=float, default=0.1, metavar="SHARE", help="rows that choose the best epoch (0.1)"
    )
    labels.add_argument("--test", type=float, default=0.1, metavar="SHARE", help="rows for the report alone (0.1)")
    labels.add_argument("--label-smoothing", type=float, default=0.0, metavar="SHARE")
    labels.add_argument("--class-weight", choices=["balanced"], help="rare classes weigh as much as frequent ones")

    network = train.add_argument_group("network")
    network.add_argument("--backbone", default="MobileNetV2", help="see `mtlzoo models` (default: MobileNetV2)")
    network.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="for the backbone: alpha=0.25"
    )
    network.add_argument("--image-size", nargs="+", type=int, metavar="PIXELS", help="one number or height and width")
    network.add_argument("--weights", default="auto", help="imagenet, none, or a file (default: imagenet if there are)")
    network.add_argument("--cut", metavar="LAYER", help="where the backbone ends")
    network.add_argument("--pooling", choices=["avg", "max", "flatten"], default="avg")
    network.add_argument("--dropout", type=float, default=0.2, metavar="SHARE")
    network.add_argument(
        "--hidden", nargs="+", type=int, default=[], metavar="UNITS", help="hidden layers of every head"
    )
    network.add_argument("--precision", choices=["float32", "mixed_float16", "mixed_bfloat16"], default="float32")
    network.add_argument("--resize", choices=["stretch", "crop", "pad"], default="stretch")

    training = train.add_argument_group("training")
    training.add_argument(
        "--stages",
        nargs="+",
        metavar="PART:EPOCHS:RATE[:SCHEDULE]",
        help='such as heads:2:1e-3 all:10:1e-3:cosine, or "fashionai" for the recipe (default: those two)',
    )
    training.add_argument("--batch-size", type=int, default=32)
    training.add_argument(
        "--balancing",
        metavar="METHOD[:KEY=VALUE,...]",
        help="how the heads' losses become one step, such as uncertainty or cagrad:c=0.4 (default: their sum)",
    )
    training.add_argument("--jit-compile", action="store_true", help="let XLA compile the step on a CPU too")
    training.add_argument("--devices", metavar="all|NUMBER|NAMES", help="what to train on (default: one device)")
    training.add_argument("--resume", action="store_true", help="go on where a training into the run folder broke off")
    training.add_argument("--monitor", action="store_true", help="log how the heads pull, and draw balancing.png")
    training.add_argument("--augment", default="default", help="default, light, strong or none")
    training.add_argument(
        "--features",
        default="auto",
        metavar="auto|none|VIEWS",
        help="stages that train heads: look at each picture once where that is the same, never, or so many views of it",
    )
    training.add_argument(
        "--feature-cache", metavar="FOLDER", type=Path, help="keep features in files, for other runs too"
    )
    training.add_argument("--patience", type=int, help="epochs without a better score that end a stage")
    training.add_argument("--tensorboard", action="store_true", help="write logs for TensorBoard into the run folder")
