"""Real photographs and real ImageNet weights, where they lie beside the repository."""

from __future__ import annotations

import numpy as np
import pytest

import mtlzoo as mtl


@pytest.fixture
def photographs(shared):
    return mtl.data.read_csv(shared / "clothing" / "labels.csv", heads=["garment", "kids"], group="sender_id")


def test_every_photograph_can_be_read_and_heads_are_guessed(photographs):
    assert mtl.data.check_images(photographs.paths()) == {}
    assert {name: head.describe() for name, head in photographs.heads.items()} == {
        "garment": "softmax, 17 classes",
        "kids": "sigmoid, no or yes",
    }
    assert photographs.labelled().sum().to_dict() == {"garment": 4136, "kids": 4387}


def test_a_split_by_sender_keeps_every_garments_share(photographs):
    train, test = mtl.data.split(photographs, [0.8, 0.2], group="sender_id", seed=0)
    assert not set(train.frame["sender_id"]) & set(test.frame["sender_id"])
    fractions = [part.frame["garment"].value_counts(normalize=True) for part in (train, test)]
    # Whole senders are dealt out, so that a share is kept as far as their sizes let it be.
    assert (fractions[0] - fractions[1]).abs().max() < 0.03


def test_heads_on_frozen_imagenet_features_beat_the_majority(photographs, shared):
    weights = shared / "keras_home" / "models" / "mobilenet_2_5_224_tf_no_top.h5"
    rows = np.random.default_rng(0).permutation(len(photographs))[:900]
    train, test = mtl.data.split(photographs.take(rows), [0.7, 0.3], group="sender_id", seed=0)
    model = mtl.build("mobilenet", train.heads, (96, 96, 3), weights=weights, alpha=0.25)
    mtl.fit(model, train, stages=[mtl.Stage(4, 1e-2, "heads")], augment=None, verbose=False)
    report = mtl.evaluate(model, test)
    assert report.loc["garment", "accuracy"] > report.loc["garment", "baseline"] + 0.15


@pytest.mark.parametrize(
    ("name", "heads", "rows", "without"),
    [("blood_cells", 13, (4311, 720, 2169), 2200), ("groceries", 6, (2640, 296, 1241), 0)],
)
def test_published_splits_are_found(shared, name, heads, rows, without):
    table = mtl.data.read_csv(shared / name / "labels.csv")
    assert len(table.heads) == heads
    assert table.split == "split"
    assert tuple(map(len, table.parts())) == rows
    assert len(table.parts(rest="train")[0]) == rows[0] + without
    assert not any(isinstance(head, mtl.OrdinalHead) for head in table.heads.values())
