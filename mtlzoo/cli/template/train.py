"""Train a network on a table of images and labels, report on it, and write it to `run/`: python train.py.

The settings are in `config.toml`. Every name that begins with `mtl.` explains itself: help(mtl.fit).
"""

import tomllib
from pathlib import Path

import keras

import mtlzoo as mtl

HERE = Path(__file__).parent
config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
run = HERE / "run"
run.mkdir(exist_ok=True)
keras.utils.set_random_seed(config["seed"])

# The table: a row an image, a column a head, which is a group of labels. Empty cells are missing labels.
name = config["table"]
table = mtl.datasets.blood_cells() if name == "blood_cells" else mtl.data.read_csv(HERE / name)

# What each column was taken for, and why. Where that is not what you mean, say what is:
# mtl.data.read_csv(..., heads={"size": mtl.OrdinalHead(["S", "M", "L"]), "kids": None})
print(table.describe(), *table.notes, sep="\n")

# Rows to train on, to choose the best epoch by, and for the report, which has no part in training. Where rows belong
# together, as those of one person do, name their column: mtl.data.split(..., group="person").
if table.split is None:
    train, valid, test = mtl.data.split(table, [0.8, 0.1, 0.1], seed=config["seed"])
else:  # a column says which row is for what
    train, valid, test = table.parts(seed=config["seed"])

# One network: a pretrained backbone, and an output for each head.
network = config["network"]
size = network["image_size"]
model = mtl.build(network["backbone"], train.heads, (size, size, 3), **network["options"])

# Stage by stage. Afterwards the model has the weights of its best epoch.
stages = [mtl.Stage(**stage) for stage in config["stages"]]
mtl.fit(model, train, valid, stages=stages, seed=config["seed"])

# Each head beside its trivial baseline: the same metric of predictions that never look at an image.
report = mtl.evaluate(model, test)
print(report[["labelled", "metric", "value", "baseline"]])
report.to_csv(run / "report.csv")

# What it says of a few images, and a file that plain Keras loads, too. Each run replaces the last one's. An .h5 file holds
# layers of Keras alone.
print(mtl.predict(model, test.take([0, 1])).T)
file = "model.keras" if network["backbone"].startswith("hub:") else "model.h5"
mtl.export(model, run / file, overwrite=True)
