"""The functions behind `scripts/active_learning.py` and `scripts/task_affinity.py`, on tiny inputs."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl

SCRIPTS = Path(__file__).parents[3] / "scripts"
HEADS = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def script():
    """A module of the scripts by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield importlib.import_module


def cosines(rng, seeds=4, inside=0.6, between=-0.4, noise=0.05) -> np.ndarray:
    """Two groups of two heads, seed by seed."""
    mean = np.full((4, 4), between)
    mean[:2, :2] = mean[2:, 2:] = inside
    found = mean + rng.normal(0, noise, (seeds, 4, 4))
    return (found + found.transpose(0, 2, 1)) / 2


# === Heads that help each other ===


def test_an_interval_is_that_of_student(script):
    affinity = script("comparison.affinity")
    mean, low, high = affinity.interval([1.0, 2.0, 3.0, np.nan])
    assert (mean, low, high) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-3)  # t = 4.3027, s = 1, n = 3
    assert affinity.interval([2.0]) == (2.0, -np.inf, np.inf)
    assert np.isnan(affinity.interval([])[0])


def test_pairs_say_what_their_intervals_say(script, rng):
    affinity = script("comparison.affinity")
    pairs = affinity.list_pairs(cosines(rng), HEADS).set_index(["first", "second"])
    assert len(pairs) == 6
    assert pairs.loc[("a", "b"), "says"] == "together"
    assert pairs.loc[("a", "c"), "says"] == "apart"
    assert set(affinity.list_pairs(cosines(rng)[:1], HEADS)["says"]) == {"no difference"}
    assert len(affinity.list_pairs(cosines(rng), HEADS, ordered=True)) == 12


def test_groups_are_advised_where_there_are_some_and_not_in_noise(script, rng):
    affinity = script("comparison.affinity")
    apart, near = cosines(rng), cosines(rng, between=0.2)
    assert affinity.advise(apart, HEADS).startswith("Nearest to each other are a, b; c, d: cosine 0.6")
    assert "The groups pull apart" in affinity.advise(apart, HEADS)
    assert affinity.advise(near, HEADS).endswith("The groups do not pull apart: train all heads together.")
    for _ in range(5):
        noise = cosines(rng, inside=0.1, between=0.1, noise=0.3)
        assert affinity.advise(noise, HEADS).startswith("no difference")
    assert affinity.advise(cosines(rng)[:1], HEADS).startswith("no difference")  # one seed shows nothing


def test_pairs_are_drawn(script, rng, tmp_path):
    affinity = script("comparison.affinity")
    for ordered in (False, True):
        pairs = affinity.list_pairs(cosines(rng), HEADS, ordered)
        affinity.plot_matrix(pairs, HEADS, "Cosines", tmp_path / f"{ordered}.png")
        assert (tmp_path / f"{ordered}.png").stat().st_size > 5000


# === Cells that are asked for ===


@pytest.fixture
def table() -> mtl.data.LabelTable:
    frame = pd.DataFrame({"image": ["a", "b", "c"], "kind": ["x", None, "y"], "age": [1.5, 2.5, np.nan]}, [4, 7, 9])
    return mtl.data.LabelTable(frame, {"kind": mtl.ClassificationHead(["x", "y"]), "age": mtl.RegressionHead()})


def test_nobody_but_the_person_sees_hidden_labels(script, table):
    person = script("comparison.person").Person(table)
    hidden = person.hidden()
    assert not hidden.labelled().any(axis=None)
    order = person.draw(0)
    assert sorted(zip(order["row"], order["head"])) == [(4, "age"), (4, "kind"), (7, "age"), (9, "kind")]
    assert (order["label"] == "").all()
    asked = pd.DataFrame({"row": [9, 7, 9], "head": ["kind", "kind", "age"], "label": ""})
    told = person.tell(hidden, asked)
    assert told.labelled().to_numpy().tolist() == [[False, False], [False, False], [True, False]]
    everything = person.tell(hidden, order)
    for name, targets in table.labels().items():
        np.testing.assert_array_equal(everything.labels()[name], targets)


def test_the_summary_has_means_and_spreads(script, tmp_path):
    learning = script("active_learning")
    runs = [
        {"seed": seed, "way": way, "asked": asked, **dict.fromkeys(learning.METRICS, value)}
        for way, asked, value in [
            ("chosen", 0.02, 0.5),
            ("chosen", 0.1, 0.7),
            ("random", 0.1, 0.6),
            ("all cells", 1.0, 0.8),
        ]
        for seed, value in enumerate([value, value + 0.02])
    ]
    summary = learning.summarize(pd.DataFrame(runs)).set_index(["way", "asked"])
    assert summary.loc[("chosen", 0.1), "accuracy"] == pytest.approx(0.71)
    assert summary.loc[("chosen", 0.1), "accuracy ±"] == pytest.approx(0.02 / 2**0.5)
    assert (summary["seeds"] == 2).all()
    learning.plot(summary.reset_index(), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").is_file()
