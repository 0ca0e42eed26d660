"""The main job on a dataset that is drawn for it."""

from __future__ import annotations

from pathlib import Path

from mtlzoo.data import make_fashionai, read_fashionai, split
from mtlzoo.models import build
from mtlzoo.runs.reporting import as_text
from mtlzoo.runs.training import train_run
from mtlzoo.training import Stage

IMAGE_SIZE = (96, 96)


def demo(directory: str | Path, images: int = 2400, epochs: int = 12, seed: int = 0) -> int:
    """Draw garments in the FashionAI layout, train eight heads on them, and leave a run folder.

    The network is MobileNet 0.25 at 96 pixels, from random weights, so that nothing has to be downloaded. The report is
    on the drawn test pictures, which training does not see.

    Args:
        directory: The run folder; the drawings go into its folder `data`, and are kept for the next run.
        images: How many training pictures.
        epochs: How often to go over them.
        seed: What everything is drawn from.

    Returns:
        The exit code.
    """
    directory = Path(directory)
    data = directory / f"data-{images}-{seed}"
    if (data / "Tests" / "answer.csv").is_file():
        print(f"Reusing the drawings in {data}.")
    else:
        print(f"Drawing {images} photographs, each labelled for one of eight attributes, into {data} ...")
        make_fashionai(data, images=images, seed=seed, overwrite=True, progress=True)
    train, valid = split(read_fashionai(data), [0.85, 0.15], seed=seed)
    test = read_fashionai(data, part="answer")
    model = build("mobilenet", train.heads, (*IMAGE_SIZE, 3), weights=None, alpha=0.25)
    stages = [Stage(epochs=epochs, learning_rate=3e-3)]
    report, history = train_run(
        model, train, valid, test, directory, stages, questions=read_fashionai(data, part="question"), seed=seed
    )
    print(as_text(report))
    print(f"\nLook at {directory}: model.h5, report.csv, history.png, predictions.png, submission.csv and more.")
    return 130 if history.interrupted else 0
