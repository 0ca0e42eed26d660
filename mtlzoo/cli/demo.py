"""The main job on a dataset that is drawn for it."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from mtlzoo.cli.reporting import as_text
from mtlzoo.cli.training import RunOptions, check_run, train_run
from mtlzoo.data import make_fashionai, read_fashionai, split
from mtlzoo.datasets.fashionai.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.models import build
from mtlzoo.training import Stage

PIXELS = 64


def demo(directory: str | Path, images: int = 6000, epochs: int = 24, seed: int = 0, *, overwrite: bool = False) -> int:
    """Draw garments in the FashionAI layout, train eight heads on them, and leave a run folder.

    Nothing is downloaded, so the network learns from random weights. Big networks learn little from a few thousand
    images then; the backbone is a small residual network instead, for which any Keras model could stand. The report is
    on drawn test images, which training does not see.

    Args:
        directory: The run folder; the drawings go into its folder `data-<images>-<seed>`, and are kept for
            the next run.
        images: How many training images.
        epochs: How often to go over them.
        seed: What everything is drawn from.
        overwrite: Whether an earlier run's files may be replaced.

    Returns:
        The exit code.

    Raises:
        OutputError: If the folder holds a run, and it is not to be replaced.
    """
    directory = Path(directory)
    check_run(directory, FASHIONAI_ATTRIBUTES, overwrite=overwrite)
    data = directory / f"data-{images}-{seed}"
    if (data / "Tests" / "answer.csv").is_file():
        print(f"Reusing the drawings in {data}.")
    else:
        print(f"Drawing {images} images, each labelled for one of eight attributes, into {data} ...")
        make_fashionai(data, images=images, seed=seed, overwrite=True, progress=True)
    train, valid = split(read_fashionai(data), [0.85, 0.15], seed=seed)
    test = read_fashionai(data, part="answer")
    keras.utils.set_random_seed(seed)
    model = build(small_network(PIXELS), train.heads, preprocessing="tf")
    stages = [Stage(epochs=epochs, learning_rate=6e-3)]
    questions = read_fashionai(data, part="question")
    report, history = train_run(
        model, train, valid, test, directory, stages, RunOptions(questions, overwrite=overwrite), seed=seed
    )
    print(as_text(report))
    print(f"\nLook at {directory}: model.h5, report.csv, history.png, predictions.png, submission.csv and more.")
    return 130 if history.interrupted else 0


def small_network(pixels: int, channels: tuple[int, ...] = (32, 64, 128)) -> keras.Model:
    """A residual network small enough to learn from scratch in minutes.

    Args:
        pixels: Height and width of its images.
        channels: The channels of its blocks, each of which halves height and width.

    Returns:
        A functional model from `(batch, pixels, pixels, 3)` to a feature map.
    """

    def convolve(x: keras.KerasTensor, filters: int, size: int, strides: int = 1) -> keras.KerasTensor:
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        # Keras' own momentum of 0.99 takes longer than this training to forget its start.
        return layers.BatchNormalization(momentum=0.9)(x)

    images = keras.Input((pixels, pixels, 3))
    x = layers.ReLU()(convolve(images, 24, 5, strides=2))
    for filters in channels:
        shortcut = layers.ReLU()(convolve(x, filters, 3, strides=2))
        x = layers.ReLU()(layers.Add()([shortcut, convolve(shortcut, filters, 3)]))
    return keras.Model(images, x, name="small_residual_network")
