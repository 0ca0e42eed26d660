"""Labels that a comparison hides are gone: nothing of them is left in the table that is trained on."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.data import LabelTable

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@pytest.fixture(scope="module")
def hiding():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield importlib.import_module("comparison.hiding")


def make_table(rng: np.random.Generator, rows: int = 400) -> LabelTable:
    columns = {name: rng.choice(["x", "y"], rows).astype(object) for name in ("a", "b", "c")}
    columns["b"][::2] = None
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(rows)], **columns})
    return LabelTable(frame, {name: mtl.ClassificationHead(["x", "y"]) for name in columns})


@pytest.mark.parametrize("how", ["one label a row", "a tenth of the labels", "300 labelled rows"])
def test_hidden_labels_reach_nothing(hiding, rng, how):
    table = make_table(rng)
    hidden = hiding.hide(table, how, seed=1)
    kept = hidden.labelled().to_numpy()
    noisy = table.frame.copy()
    for place, name in enumerate(table.heads):
        noise = noisy[name].map({"x": "y", "y": "x"}).where(noisy[name].notna(), None)
        noisy[name] = noisy[name].where(kept[:, place], noise)
    again = hiding.hide(LabelTable(noisy, table.heads), how, seed=1)
    pd.testing.assert_frame_equal(again.frame, hidden.frame)
    assert not (kept & ~table.labelled().to_numpy()).any()
    assert len(hidden.frame) == len(table.frame)


def test_as_much_is_kept_as_was_said(hiding, rng):
    table = make_table(rng)
    counts = {how: hiding.hide(table, how, seed=0).labelled().to_numpy() for how in hiding.HIDING}
    assert (counts["one label a row"].sum(axis=1) == 1).all()
    assert counts["a tenth of the labels"].sum() == 100
    assert (counts["300 labelled rows"].any(axis=1)).sum() == 300
    assert not np.array_equal(counts["one label a row"], hiding.hide(table, "one label a row", seed=2).labelled())
