"""Train a model and leave a run folder."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from mtlzoo.backbones.plain_graph import is_builtin
from mtlzoo.cli.reporting import check_files, report_files, report_run, write_history
from mtlzoo.data import LabelTable
from mtlzoo.data.label_counts import count_labels
from mtlzoo.data.parts import PARTS
from mtlzoo.datasets import submission_frame, write_submission
from mtlzoo.evaluation import Predictions
from mtlzoo.files import writing
from mtlzoo.files.spreadsheets import write_csv
from mtlzoo.models import MultiTaskModel
from mtlzoo.plotting import plot_balancing, plot_model
from mtlzoo.reports.sources import HISTORY, LABELS, MODELS
from mtlzoo.saving import export
from mtlzoo.system import workers
from mtlzoo.training import BalancingMonitor, Recipe, Stage, Track, Tracking, fit, get_recipe
from mtlzoo.training.resuming import FILE as STATE
from mtlzoo.training.run_file import FILE as RUN_FILE
from mtlzoo.training.run_file import describe_run, read_run_file, write_run

RUN = (
    *(RUN_FILE, "skipped.txt", "model.png", *MODELS, HISTORY, "history.png"),
    *(LABELS, "balancing.csv", "balancing.png", "submission.csv"),
)


@dataclass(frozen=True)
class RunOptions:
    """What a run folder holds besides the model and its report, and how its files are written.

    Attributes:
        questions: Rows of the FashionAI layout whose predictions go into a submission file; `None` for no such file.
        told: What the command was told, for `run.yaml`.
        split: The column that divided the rows; `None` for by chance.
        command: The command.
        skipped: A line for each row left out, for `skipped.txt`.
        monitor: Whether to log weights and conflicts of the heads, see :class:`mtlzoo.BalancingMonitor`.
        resume: Whether to keep the state of training in the folder, `training-state.npz`, and to go on from there.
        overwrite: Whether files of these names may be replaced; those of a training that is resumed may.
        raw_cells: See :func:`write_csv`.
    """

    questions: LabelTable | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = None
    command: str = "train"
    skipped: Sequence[str] = ()
    monitor: bool = False
    resume: bool = False
    overwrite: bool = False
    raw_cells: bool = False


def train_run(
    model: MultiTaskModel,
    train: LabelTable,
    valid: LabelTable,
    test: LabelTable,
    directory: str | Path,
    stages: Sequence[Stage] | None = None,
    options: RunOptions | None = None,
    **arguments: Any,
) -> tuple[pd.DataFrame, keras.callbacks.History]:
    """Train a model and leave a run folder.

    The folder holds `model.h5`, or `model.keras` where the network has layers that the former cannot hold (the best so far
    at any time, also if training is interrupted), `report.csv`, `history.csv`, `history.png`, `model.png`,
    `predictions.png`, `confusion/<head>.png`, `answers.csv` (the test rows with their predictions), `predictions.npz` (the
    same for :func:`mtlzoo.report` and :func:`mtlzoo.compare`), `labels.csv` (how many labels each part has),
    `run.yaml`, with `monitor` `balancing.csv` and `balancing.png`, and with `questions` `submission.csv`.

    Args:
        model: The model.
        train: The training rows.
        valid: The validation rows, which choose the best epoch.
        test: The rows that the report is on; nothing is chosen by them.
        directory: Where to write.
        stages: As for :func:`mtlzoo.fit`.
        options: What else the folder holds; by default nothing.
        **arguments: Further arguments of :func:`mtlzoo.fit`, such as `recipe=`.

    Returns:
        The report and the history.

    Raises:
        OutputError: If one of the files is there and not to be replaced; before anything is trained.
    """
    options = options or RunOptions()
    directory, tables = Path(directory), (train, valid, test)
    arguments["stages"] = stages
    if options.resume:
        arguments["resume"] = directory
    if not workers.is_chief():  # which alone writes into the folder
        with tempfile.TemporaryDirectory() as temporary:
            options = RunOptions(monitor=options.monitor, overwrite=True)
            return _train_run(model, tables, Path(temporary), options, arguments)
    options = replace(options, overwrite=options.overwrite or (options.resume and is_run(directory)))
    check_run(directory, model.heads, overwrite=options.overwrite)
    track = arguments.pop("track", None)
    with track if isinstance(track, Tracking) else Tracking(track) as tracking:
        report, history = _train_run(model, tables, directory, options, {**arguments, "track": tracking})
        tracking.log_report(report)
    return report, history


def _train_run(
    model: MultiTaskModel,
    tables: tuple[LabelTable, LabelTable, LabelTable],
    directory: Path,
    options: RunOptions,
    arguments: dict[str, Any],
) -> tuple[pd.DataFrame, keras.callbacks.History]:
    train, valid, test = tables
    overwrite, raw_cells = options.overwrite, options.raw_cells
    directory.mkdir(parents=True, exist_ok=True)

    @functools.cache
    def describe() -> None:  # not before a training that cannot go on was refused, whose files these are
        parts = {part: table.for_heads(model.heads) for part, table in zip(PARTS, tables)}
        run = describe_run(options.command, options.told, options.split, parts, _recipe(arguments))
        write_run(run, directory / RUN_FILE, overwrite=overwrite)
        counts = count_labels(parts)
        write_csv(directory / LABELS, counts, overwrite=overwrite, raw_cells=raw_cells)
        if options.skipped:
            with writing(directory / "skipped.txt", overwrite=overwrite) as temporary:
                lines = "\n".join(options.skipped) + "\n"
                temporary.write_text(lines, encoding="utf-8", errors="backslashreplace")
        plot_model(model, directory / "model.png", overwrite=overwrite)

    target = directory / MODELS[0 if is_builtin(model) else 1]
    monitors = [BalancingMonitor()] if options.monitor else []
    begins = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: describe())
    arguments["callbacks"] = [begins, *monitors, *arguments.get("callbacks", ())]
    # The one that this training wrote; the last of them is compared with the model below.
    arguments["on_best"] = lambda best: export(best, target, overwrite=True, verify=False)
    history = fit(model, train, valid, **arguments)
    describe()
    if history.interrupted:
        print("Interrupted: going on with the best model so far.", flush=True)
    export(model, target, overwrite=True)
    if history.epoch:
        write_history(history, directory, overwrite=overwrite, raw_cells=raw_cells)
    for monitor in monitors:
        frame = monitor.to_frame().round(6)
        write_csv(directory / "balancing.csv", frame, overwrite=overwrite, raw_cells=raw_cells)
        if monitor.history["epoch"]:
            plot_balancing(monitor.history, directory / "balancing.png", overwrite=overwrite)
    report = report_run(model, test, directory, overwrite=overwrite, raw_cells=raw_cells)
    if options.questions is not None:
        _submit(model, options.questions, directory / "submission.csv", overwrite)
    return report, history


def _recipe(arguments: dict[str, Any]) -> Recipe:
    """All settings that a training with these arguments has."""
    known = {setting.name for setting in fields(Recipe)}
    settings: Any = {name: value for name, value in arguments.items() if name in known and name != "stages"}
    recipe = get_recipe(arguments.get("recipe", "default")).with_settings(**settings)
    return recipe if arguments["stages"] is None else recipe.with_settings(stages=arguments["stages"])


def _submit(model: MultiTaskModel, questions: LabelTable, path: Path, overwrite: bool) -> None:
    names = questions.frame["attribute"].str.removesuffix("_labels")
    outputs = Predictions.from_model(model, questions).outputs
    frame = submission_frame(list(questions.frame["image"]), list(names), outputs)
    write_submission(path, frame, overwrite=overwrite)


def is_run(directory: Path) -> bool:
    """Whether a folder is one that a training has begun to write into."""
    if (directory / STATE).is_file():
        return True
    try:
        return "mtlzoo" in read_run_file(directory / RUN_FILE).versions
    except (OSError, ValueError):
        return False


def check_run(directory: Path, heads: Iterable[str], *, overwrite: bool = False) -> None:
    """Look at all files that a training writes into its folder, before anything is trained.

    Raises:
        OutputError: If one of them is there and not to be replaced.
    """
    check_files(directory, [*RUN, *report_files(heads)], overwrite=overwrite)


def tracking_of(tools: Sequence[str], directory: Path) -> Tracking:
    """What logs a training: one run in each tool, named like the run folder.

    Args:
        tools: The names of the tools.
        directory: The run folder, in which TensorBoard and Weights & Biases keep their files.

    Raises:
        ImportError: If one is not installed.
        ValueError: If there is no such tool.
    """
    name = directory.resolve().name
    tracks = {
        "tensorboard": lambda: Track("tensorboard", folder=directory / "tensorboard"),
        "mlflow": lambda: Track("mlflow", name=name),
        "wandb": lambda: Track("wandb", name=name, folder=directory),
    }
    return Tracking([tracks[tool]() for tool in dict.fromkeys(tools)])
