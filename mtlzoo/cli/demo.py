"""The main job on the photographs of blood cells that come with the package."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mtlzoo.backbones.bundled import bundled_weights
from mtlzoo.cli.training import RunOptions, check_run, train_run
from mtlzoo.data import Augmentation, LabelTable
from mtlzoo.datasets import blood_cells
from mtlzoo.errors import RuntimeUnavailableError
from mtlzoo.files import check_output
from mtlzoo.models import build
from mtlzoo.saving import export
from mtlzoo.saving.web import runtime
from mtlzoo.saving.web.folder import FOLDER as PAGE
from mtlzoo.training import Stage

PIXELS, ALPHA = 96, 0.35
# A cell has no upper side. Chosen by validation rows, as the settings below are.
AUGMENTATION = Augmentation(rotation=180, zoom=0.2, shift=0.05, brightness=0.3, contrast=0.3)
RATE, HEAD_EPOCHS, DROPOUT = 3e-3, 2, 0.1
# Means over the 11 attributes of WBCAtt's whole test set (Tsutsui, Pang and Wen, NeurIPS 2023): ResNet50 at 224 pixels.
PAPER = {"accuracy": 0.9409, "macro F1": 0.9127}
NOT_IN_PAPER = ("cell_type", "stage")
PATIENCE = 5  # seconds that are waited for the page's runtime when all else is done


def demo(
    directory: str | Path, images: int | None = None, epochs: int = 20, seed: int = 0, *, overwrite: bool = False
) -> int:
    """Train 13 heads on photographs of blood cells, and leave a run folder.

    Photographs and ImageNet weights come with the package (:func:`mtlzoo.datasets.blood_cells`); nothing is downloaded but
    the runtime of the web page, which loads it from a public CDN where npm cannot fetch it. The report is on the test rows,
    which training does not see.

    Args:
        directory: The run folder.
        images: How many images in all, of each part the same fraction; by default all 2,001.
        epochs: How often to go over them with the whole network, after two epochs of the heads alone.
        seed: What order, augmentation and first weights of the heads are drawn from.
        overwrite: Whether an earlier run's files may be replaced.

    Returns:
        The exit code.

    Raises:
        OutputError: If the folder holds a run, and it is not to be replaced.
    """
    directory, page = Path(directory), Path(directory) / "web"
    parts = blood_cells().parts()
    train, valid, test = (
        parts if images is None else (_sample(part, images / sum(map(len, parts)), seed) for part in parts)
    )
    check_run(directory, train.heads, overwrite=overwrite)
    check_output(page, kind=PAGE, overwrite=overwrite)
    runtimes: list[str] = []  # of the web page, which is fetched while the network trains
    fetching = threading.Thread(target=lambda: runtimes.append(_obtain_runtime()), daemon=True)
    fetching.start()
    print(
        f"{len(train)} photographs of blood cells to train on, {len(valid)} to choose the best epoch by, "
        f"{len(test)} for the report: {len(train.heads)} questions, "
        f"{1 - train.labelled().to_numpy().mean():.0%} of the labels missing.",
        flush=True,
    )
    keras.utils.set_random_seed(seed)
    weights = bundled_weights("MobileNetV2", {"alpha": ALPHA})
    model = build("mobilenet_v2", train.heads, (PIXELS, PIXELS, 3), weights, dropout=DROPOUT, alpha=ALPHA)
    stages = [Stage(HEAD_EPOCHS, RATE, "heads"), Stage(epochs, RATE)]
    report, history = train_run(
        model,
        train,
        valid,
        test,
        directory,
        stages,
        RunOptions(
            told={"data": "blood_cells", "images": images, "epochs": epochs, "seed": seed},
            split="split",
            command="demo",
            overwrite=overwrite,
        ),
        augment=AUGMENTATION,
        cache="memory",
        seed=seed,
    )
    fetching.join(PATIENCE)
    export(model, page, "web", overwrite=overwrite, runtime=runtimes[0] if runtimes else "cdn")
    print(f"\n{compare(report)}\n\n{next_steps(directory)}")
    return 130 if history.interrupted else 0


def compare(report: pd.DataFrame) -> str:
    """The report beside the trivial baseline, and its means beside the figures of WBCAtt's paper.

    Args:
        report: What `train_run` returned.
    """
    heads = report.index[:-2]  # the last two rows are means
    table = report.loc[heads, ["labelled", "accuracy", "accuracy_baseline", "macro_f1"]]
    attributes = [head for head in heads if head not in NOT_IN_PAPER]
    means = table.loc[attributes].mean()
    table = table.rename(columns={"accuracy_baseline": "majority class", "macro_f1": "macro F1"})
    lines = table.to_string(float_format="{:.3f}".format)
    return (
        f"{lines}\n\nMean of the {len(attributes)} attributes: accuracy {means['accuracy']:.3f}, macro F1 "
        f"{means['macro_f1']:.3f}; the majority class has accuracy {means['accuracy_baseline']:.3f}.\n"
        f"WBCAtt's paper has {PAPER['accuracy']:.3f} and {PAPER['macro F1']:.3f}: a ResNet50 at 224 pixels, "
        "trained on a GPU with all images of the set."
    )


def next_steps(directory: Path) -> str:
    """What to look at and what to type after the demo."""
    folder = shlex.quote(str(directory))
    return f"""Look at {directory}: predictions.png, confusion/, history.png, report.csv; model.h5 loads in plain Keras.
The model in a browser:         python -m http.server --directory {folder}/web
An image of your own:           mtlzoo predict {folder}/model.h5 IMAGE
The same on the test rows:      mtlzoo evaluate {folder}/model.h5 blood_cells --part test
A table of your own, with a column `image` and one for each question, empty where nobody knows:
                                mtlzoo train labels.csv --option alpha={ALPHA} --image-size {PIXELS} --out my-run"""


def _sample(table: LabelTable, fraction: float, seed: int) -> LabelTable:
    """So many rows of a table by chance, in their order."""
    rows = np.random.default_rng(seed).permutation(len(table))
    return table.take(np.sort(rows[: max(1, round(fraction * len(table)))]))


def _obtain_runtime() -> str:
    """`"local"` if the web page's runtime is in the cache, by now, and `"cdn"` if npm cannot fetch it."""
    try:
        runtime.obtain()
    except RuntimeUnavailableError:
        return "cdn"
    return "local"
