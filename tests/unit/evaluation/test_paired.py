"""Differences between runs on the same rows: scipy's paired bootstrap, coverage of the intervals, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mtlzoo as mtl
from mtlzoo.data import LabelTable
from mtlzoo.errors import InputError, TableError
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.paired import ALL
from mtlzoo.evaluation.resampling import bootstrap_interval, draw_counts, holm, p_value

CLASSES = ["a", "b", "c"]
HEADS = {"kind": mtl.ClassificationHead(CLASSES), "tall": mtl.ClassificationHead(CLASSES)}


def certain(ids: np.ndarray) -> np.ndarray:
    return np.eye(3, dtype="float32")[ids]


def run(labels: dict[str, np.ndarray], said: dict[str, np.ndarray], heads=HEADS, **columns) -> Predictions:
    """Class ids as labels (-1 missing) and as predictions."""
    rows = len(next(iter(labels.values())))
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(rows)], **columns})
    for name, ids in labels.items():
        frame[name] = pd.Series([None if each < 0 else CLASSES[each] for each in ids], dtype=object)
    table = LabelTable(frame, heads, source="labels.csv")
    return Predictions({name: certain(ids) for name, ids in said.items()}, heads, table=table)


def guess(rng, truth: np.ndarray, right: float) -> np.ndarray:
    return np.where(rng.random(len(truth)) < right, truth % 3, rng.integers(3, size=len(truth)))


@pytest.fixture
def two(rng) -> dict[str, Predictions]:
    """300 rows, a fifth of the labels missing; the second run is better at `kind` alone."""
    truth = {name: rng.integers(3, size=300) for name in HEADS}
    labels = {name: np.where(rng.random(300) < 0.2, -1, ids) for name, ids in truth.items()}
    first = {"kind": guess(rng, truth["kind"], 0.4), "tall": guess(rng, truth["tall"], 0.6)}
    second = {"kind": guess(rng, truth["kind"], 0.8), "tall": guess(rng, truth["tall"], 0.6)}
    return {"one": run(labels, first), "two": run(labels, second)}


def row_of(comparison, head: str) -> pd.Series:
    frame = comparison.frame
    return frame[(frame["head"] == head) & (frame["run"] == "two")].iloc[0]


# === The bootstrap ===


def test_differences_are_those_of_the_reports(two):
    comparison = mtl.compare(two)
    reports = {name: each.evaluate() for name, each in two.items()}
    for head in HEADS:
        expected = reports["two"].loc[head, "value"] - reports["one"].loc[head, "value"]
        assert row_of(comparison, head)["difference"] == pytest.approx(expected)
    assert row_of(comparison, ALL)["value"] == pytest.approx(reports["two"]["score"].iloc[:2].mean())


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])  # a mean of rows, and no such mean
def test_intervals_are_those_of_scipy_for_many_rows(two, metric, rng):
    heads = {"kind": mtl.ClassificationHead(CLASSES, metric=metric)}
    runs = {name: each.take(range(150)).with_heads(heads) for name, each in two.items()}
    own = row_of(mtl.compare(runs), "kind")
    pairs = [each.with_labels(each.table.for_heads(heads))["kind"] for each in runs.values()]
    rows = np.flatnonzero(pairs[0].labelled)

    def difference(drawn):
        first, second = (pair.compute_metrics(drawn.astype(int))["value"] for pair in pairs)
        return second - first

    expected = stats.bootstrap((rows,), difference, n_resamples=1000, vectorized=False, method="percentile", rng=rng)
    interval = expected.confidence_interval
    assert own["metric"] == metric
    assert own["difference_low"] == pytest.approx(interval.low, abs=0.025)
    assert own["difference_high"] == pytest.approx(interval.high, abs=0.025)


def test_the_verdict_is_what_is_true(two):
    comparison = mtl.compare(two)
    assert row_of(comparison, "kind")["verdict"] == "better"
    assert row_of(comparison, "tall")["verdict"] == "no real difference"
    assert "two is better than one over all heads" in str(comparison)
    turned = mtl.compare({"two": two["two"], "one": two["one"]})
    assert set(turned.frame[turned.frame["head"] == "kind"]["verdict"]) == {"", "worse"}


def test_the_same_seed_gives_the_same_and_a_run_is_no_better_than_itself(two):
    pd.testing.assert_frame_equal(mtl.compare(two).frame, mtl.compare(two).frame)
    frame = mtl.compare({"one": two["one"], "again": two["one"]}).frame
    assert set(frame["verdict"]) == {"", "no real difference"}
    assert (frame["p"].dropna() == 1).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    """And where there is no difference, one is found as seldom as that; plain percentiles are too narrow for 40 rows."""
    rng, rows, trials = np.random.default_rng(5), 40, 600
    held, found = 0, 0
    counts = np.concatenate(list(draw_counts(rows, 1000, 1)))
    for _ in range(trials):
        hard = rng.random(rows)  # both runs fail where it is hard
        first, second = (hard + rng.normal(0, 0.3, rows) < bound for bound in (0.6, 0.6))
        drawn = counts @ (second.astype(float) - first) / rows
        low, high = bootstrap_interval(drawn, rows)
        held += low <= 0 <= high
        found += p_value(drawn, rows) < 0.05
    assert 0.93 <= held / trials <= 0.985
    assert found / trials <= 0.07


def test_holm_by_hand():
    corrected = holm(np.array([0.01, np.nan, 0.04, 0.03]))
    np.testing.assert_allclose(corrected, [0.03, np.nan, 0.06, 0.06])


def test_every_resample_has_as_many_rows():
    counts = np.concatenate(list(draw_counts(7, 500)))
    assert counts.shape == (500, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.mean(axis=0) == pytest.approx(1, abs=0.15)


def test_rows_that_belong_together_are_drawn_together(rng):
    """Ten copies of each row tell no more than one."""
    truth = rng.integers(3, size=60)
    said = [guess(rng, truth, right) for right in (0.5, 0.7)]
    single = mtl.compare(
        {name: run({"kind": truth}, {"kind": ids}, {"kind": HEADS["kind"]}) for name, ids in zip(("one", "two"), said)}
    )
    copied = {
        name: run(
            {"kind": np.repeat(truth, 10)},
            {"kind": np.repeat(ids, 10)},
            {"kind": HEADS["kind"]},
            sender=np.repeat(range(60), 10),
        )
        for name, ids in zip(("one", "two"), said)
    }
    together = mtl.compare(copied, group="sender")
    assert (together.rows, together.units) == (600, 60)
    width = [
        row["difference_high"] - row["difference_low"]
        for row in (row_of(each, "kind") for each in (single, together, mtl.compare(copied)))
    ]
    assert width[1] == pytest.approx(width[0], rel=0.1)
    assert width[2] < 0.5 * width[0]
    with pytest.raises(TableError, match="no column 'who'"):
        mtl.compare(copied, group="who")


# === Rows ===


def test_the_order_of_rows_does_not_matter(two):
    turned = {"one": two["one"], "two": two["two"].take(np.arange(300)[::-1])}
    pd.testing.assert_frame_equal(mtl.compare(turned).frame, mtl.compare(two).frame)


def test_other_rows_are_refused_unless_the_shared_ones_are_meant(two):
    other = {"one": two["one"].take(range(200)), "two": two["two"].take(range(100, 300))}
    with pytest.raises(InputError, match=r"200 of one, 200 of two, of which 100 are in all of them; .*--shared"):
        mtl.compare(other)
    shared = mtl.compare(other, shared=True)
    same = mtl.compare({name: each.take(range(100, 200)) for name, each in two.items()})
    assert shared.rows == 100
    pd.testing.assert_frame_equal(shared.frame, same.frame)
    with pytest.raises(InputError, match="none of which"):
        mtl.compare({"one": two["one"].take(range(9)), "two": two["two"].take(range(9, 20))}, shared=True)


def test_rows_with_other_labels_do_not_count_and_are_told(rng):
    truth = rng.integers(3, size=40)
    changed = truth.copy()
    changed[:3] = (changed[:3] + 1) % 3
    runs = {
        name: run({"kind": ids}, {"kind": truth}, {"kind": HEADS["kind"]})
        for name, ids in (("one", truth), ("two", changed))
    }
    comparison = mtl.compare(runs)
    assert row_of(comparison, "kind")["labelled"] == 37
    assert comparison.notes == ("kind: 3 rows are left out, since their labels are not the same in all tables.",)


def test_few_rows_say_nothing(two):
    comparison = mtl.compare({name: each.take(range(8)) for name, each in two.items()})
    assert set(comparison.frame["verdict"]) == {"", "too few rows"}
    assert "too few test rows" in str(comparison)


def test_a_head_is_compared_by_the_same_metric_alone(two):
    heads = {"kind": HEADS["kind"], "tall": mtl.ClassificationHead(CLASSES, metric="macro_f1")}
    comparison = mtl.compare({"one": two["one"], "two": two["two"].with_heads(heads)})
    assert list(comparison.frame["head"].unique()) == ["kind", ALL]
    assert "accuracy, macro_f1" in comparison.notes[0]


def test_not_applicable_is_compared_besides(rng):
    heads = {"kind": HEADS["kind"], "tall": mtl.ClassificationHead(CLASSES, only_if={"kind": ["a"]})}
    kind = rng.integers(3, size=120)
    labels = {"kind": kind, "tall": np.where(kind == 0, rng.integers(3, size=120), -1)}
    runs = {
        name: run(labels, {"kind": guess(rng, kind, right), "tall": guess(rng, labels["tall"], 0.5)}, heads)
        for name, right in (("one", 0.2), ("two", 0.9))
    }
    frame = mtl.compare(runs).frame
    found = frame[(frame["metric"] == "not_applicable_f1")].set_index("run")
    for name, each in runs.items():
        assert found.loc[name, "value"] == pytest.approx(each.evaluate().loc["tall", "not_applicable_f1"])
    assert found.loc["two", "verdict"] == "better"


def test_one_run_has_nothing_beside_it(two):
    with pytest.raises(InputError, match="at least two runs"):
        mtl.compare({"one": two["one"]})
