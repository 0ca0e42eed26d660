"""What heads of classes and tags can do where some labels are rare: main metrics, focal loss, adjusted logits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.heads import HEADS
from mtlzoo.heads.kinds import head_of_kind

NAMES = ["a", "b", "c"]
METRICS = [
    *((mtl.ClassificationHead(NAMES, metric=name), name) for name in ("accuracy", "balanced_accuracy", "macro_f1")),
    *((mtl.BinaryHead(metric=name), name) for name in ("accuracy", "balanced_accuracy", "auc", "f1")),
    *((mtl.MultiLabelHead(NAMES, metric=name), name) for name in ("f1", "accuracy", "balanced_accuracy", "auc")),
    *((mtl.OrdinalHead(NAMES, metric=name), name) for name in ("mae", "accuracy", "balanced_accuracy", "macro_f1")),
]
IDS = [f"{type(head).__name__}-{name}" for head, name in METRICS]


def random_case(head, rng, rows=60):
    if isinstance(head, mtl.MultiLabelHead):
        return rng.integers(-1, 2, (rows, 3)).astype("float32"), rng.random((rows, 3)).astype("float32")
    if isinstance(head, mtl.BinaryHead):
        return rng.integers(-1, 2, rows).astype("float32"), rng.random((rows, 1)).astype("float32")
    return rng.choice([-1, 0, 0, 0, 1, 2], rows), rng.dirichlet(np.ones(3), rows).astype("float32")


@pytest.mark.parametrize(("head", "name"), METRICS, ids=IDS)
def test_the_chosen_metric_comes_first_and_is_what_the_report_says(head, name, rng):
    targets, predictions = random_case(head, rng)
    figures, made = head.evaluate(targets, predictions), head.metrics()
    assert made[0].name == figures["metric"] == name
    assert len({metric.name for metric in made}) == len(made)
    for metric in made:
        metric.update_state(targets, predictions)
        tolerance = 1e-3 if metric.name == "auc" else 1e-5
        assert float(metric.result()) == pytest.approx(figures[metric.name], abs=tolerance)
    assert figures["value"] == figures[name]
    assert figures["score"] == pytest.approx(float(head.score(figures["value"])))
    assert 0 <= figures["baseline"] <= 1
    nothing = head.evaluate(head.encode([None, None]), predictions[:2])
    assert nothing.keys() == figures.keys()
    assert all(np.isnan(value) for key, value in nothing.items() if key != "metric")


@pytest.mark.parametrize(("head", "name"), METRICS, ids=IDS)
def test_it_is_in_the_config_and_the_text_of_a_kind(head, name):
    assert type(head).from_config(head.get_config()) == head
    assert f"metric='{name}'" in repr(head)
    assert head.encoding_key() == type(head).from_config({**head.get_config(), "metric": None}).encoding_key()
    kinds = {kind: HEADS[kind] for kind in ("classification", "binary", "multilabel", "ordinal")}
    kind = next(kind for kind, cls in kinds.items() if cls is type(head))
    names = ",".join(["no", "yes"] if kind == "binary" else NAMES)
    assert head_of_kind(f"{kind}:{names},metric={name}", pd.Series(["a"]), kinds) == head


@pytest.mark.parametrize(
    "head", [mtl.BinaryHead(), mtl.ClassificationHead(3), mtl.OrdinalHead(3), mtl.MultiLabelHead(3)]
)
def test_an_unknown_metric_is_refused_with_those_that_there_are(head):
    with pytest.raises(ValueError, match=f"`metric` to be one of {', '.join(head.main_metrics)}, received: 'recall'"):
        type(head).from_config({**head.get_config(), "metric": "recall"})


def test_nine_in_ten_are_adults_and_a_head_that_says_so_each_time_is_of_no_use():
    targets, always = np.array([0.0] * 9 + [1.0]), np.full((10, 1), 0.1)
    assert mtl.BinaryHead().evaluate(targets, always)["score"] == 0.9
    for metric in ("balanced_accuracy", "auc"):
        figures = mtl.BinaryHead(metric=metric).evaluate(targets, always)
        assert figures["score"] == figures["baseline"] == 0.5
    assert mtl.BinaryHead(metric="f1").evaluate(targets, always)["score"] == 0


@pytest.mark.parametrize("cls", [mtl.ClassificationHead, mtl.MultiLabelHead])
@pytest.mark.parametrize(
    "wrong", [{"loss": "hinge"}, {"gamma": -1}, {"gamma": "2"}, {"logit_adjustment": float("nan")}]
)
def test_wrong_settings_of_the_loss_are_refused(cls, wrong):
    with pytest.raises(ValueError, match=f"Expected `{next(iter(wrong))}`"):
        cls(3, **wrong)


def test_levels_have_neither_focal_loss_nor_adjusted_logits():
    for setting in ({"loss": "focal"}, {"logit_adjustment": 1.0}):
        with pytest.raises(TypeError):
            mtl.OrdinalHead(3, **setting)


def test_priors_are_learned_from_the_labelled_rows_and_the_loss_needs_them():
    head = mtl.ClassificationHead(NAMES, logit_adjustment=2.0)
    with pytest.raises(ValueError, match=r"logit_adjustment=2 needs the counts.*adapt"):
        head.loss()
    learned = head.adapted(np.array([0, 0, 0, 1, -1]))  # the third class, never seen, counts as seen once
    np.testing.assert_allclose(learned.loss().logit_offset, 2 * np.log([3 / 5, 1 / 5, 1 / 5]), rtol=1e-6)
    assert type(head).from_config(learned.get_config()).loss().logit_offset == learned.loss().logit_offset
    binary = mtl.BinaryHead(logit_adjustment=1.0).adapted(np.array([0, 0, 0, 1, -1], "float32"))
    np.testing.assert_allclose(binary.loss().logit_offset, [np.log(1 / 3)], rtol=1e-6)
    tags = mtl.MultiLabelHead(2, logit_adjustment=1.0).adapted(np.array([[0, 1], [1, 1], [0, -1]], "float32"))
    np.testing.assert_allclose(tags.loss().logit_offset, [np.log(1 / 2), np.log(2 / 1)], rtol=1e-6)


@pytest.mark.parametrize("kind", [mtl.ClassificationHead, mtl.BinaryHead])
def test_where_features_say_nothing_the_best_adjusted_output_prefers_no_class(kind):
    # The best output is the prior, and with adjusted logits the same for all classes.
    labels, grid = np.array([0] * 45 + [1] * 5), np.linspace(0.02, 0.98, 49)
    labels = labels.astype("float32") if kind is mtl.BinaryHead else labels
    for adjustment, expected in ((0.0, 0.1), (1.0, 0.5)):
        first = ["no", "yes"] if kind is mtl.BinaryHead else 2
        loss = kind(first, logit_adjustment=adjustment).adapted(labels).loss()
        outputs = [[p] if kind is mtl.BinaryHead else [1 - p, p] for p in grid]
        costs = [float(loss(labels, np.tile(output, (50, 1)))) for output in outputs]
        assert grid[np.argmin(costs)] == pytest.approx(expected, abs=0.011)


def test_the_score_of_training_follows_the_chosen_metric(rng):
    model = mtl.build("tcdcn", {"kids": mtl.BinaryHead(metric="auc"), "kind": mtl.ClassificationHead(3)})
    model.compile(run_eagerly=True)
    labels = {"kids": np.array([0, 1, 0, -1]), "kind": np.array([-1, 0, 2, 1])}
    logs = model.test_on_batch(rng.random((4, *model.input_shape[1:])) * 255, labels, return_dict=True)
    assert {"kids_auc", "kids_accuracy", "kind_accuracy"} < logs.keys()
    assert float(logs["score"]) == pytest.approx((float(logs["kids_auc"]) + float(logs["kind_accuracy"])) / 2)
