"""Processes that are to be killed while they train or export.

python killed_work.py train FOLDER OUT    trains on images in FOLDER, going on from what is in OUT, and writes OUT/end.npz
python killed_work.py export FOLDER OUT   writes one of two models over the other, in several formats, until it is killed
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import keras
import numpy as np
from drawings import COLORS, draw_table
from quick_tensorflow import prepare_tensorflow

import mtlzoo as mtl
from mtlzoo.files import writing

FORMATS = {"h5": "model.h5", "keras": "model.keras", "savedmodel": "served"}
SIZE = (16, 16, 3)


def network(table: mtl.data.LabelTable, seed: int = 3) -> mtl.MultiTaskModel:
    """A small network with dropout and batch normalisation."""
    keras.utils.set_random_seed(seed)
    images = keras.Input(SIZE)
    x = keras.layers.Conv2D(8, 3, strides=2)(images)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    backbone = keras.Model(images, keras.layers.Conv2D(16, 3)(x), name="small")
    return mtl.build(backbone, table.heads, weights=None, preprocessing="tf", dropout=0.3)


def table_in(folder: Path) -> mtl.data.LabelTable:
    """Drawn images, the same ones each time."""
    return draw_table(folder, rows=96).with_heads({"color": mtl.ClassificationHead(COLORS)})


def train(folder: Path, out: Path) -> None:
    """Train with a state after each batch."""
    parts = mtl.data.split(table_in(folder), [0.75, 0.25])
    model = network(parts[0])
    stages = [mtl.Stage(3, 1e-2, weight_decay=0.01)]
    how = {"batch_size": 6, "average": 0.9, "balancing": "dwa", "augment": None, "verbose": False, "calibrate": False}
    history = mtl.fit(model, *parts, stages, resume=out, save_every=1e-9, **how)
    with writing(out / "end.npz", overwrite=True) as temporary:
        told = json.dumps([history.epoch, history.best_epoch, history.history], sort_keys=True)
        np.savez(temporary, *model.get_weights(), told=np.array(told))


def models(folder: Path) -> list[mtl.MultiTaskModel]:
    """Two that differ in their weights."""
    return [network(table_in(folder), seed) for seed in (0, 1)]


def export(folder: Path, out: Path) -> None:
    """Write one after the other, for ever."""
    both = models(folder)
    print("begins", flush=True)
    for model in itertools.cycle(both):
        for form, name in FORMATS.items():
            mtl.export(model, out / name, form, overwrite=True, verify=False)
        print("written", flush=True)


if __name__ == "__main__":
    prepare_tensorflow()
    work = {"train": train, "export": export}[sys.argv[1]]
    if work is train:
        print("begins", flush=True)
    work(Path(sys.argv[2]), Path(sys.argv[3]))
