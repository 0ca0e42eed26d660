from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import weighting_figures
from weighting_figures import METHODS, NAN, TASKS, combine, figures

from mtlzoo.balancing import (
    FAMO,
    IMTLL,
    DynamicWeightAverage,
    Equal,
    GeometricMean,
    GradDrop,
    GradNorm,
    RandomLossWeighting,
    SmoothTchebycheff,
    Static,
    Uncertainty,
)

NUMBERS = dict.fromkeys("abc", True)
# Values and gradients for the losses 1, 2 and 4, computed with TorchJD 0.18.0.
REFERENCE = [
    (GeometricMean(), 2.0, [0.6666666666666666, 0.3333333333333333, 0.16666666666666666]),
    (Uncertainty(), 3.5, [0.5, 0.5, 0.5]),
    (IMTLL(), 7.0, [1.0, 1.0, 1.0]),
    (FAMO(), 1.1882523284432271, [0.57142857, 0.28571428642857144, 0.1428571435714286]),
    (SmoothTchebycheff(1.0), 1.9652945321522335, [0.0651818979444588, 0.09096866666198014, 0.17718276872689437]),
]


def start(method, tasks=TASKS):
    """First values, with draws and trained variables that are not all alike."""
    rng = np.random.default_rng(0)
    drawn = ("trained", "noise")
    return {
        name: rng.normal(size=entry.value.shape).astype("float32") if entry.role in drawn else entry.value
        for name, entry in method.variables(tasks).items()
    }


def hook(method, losses, present, values):
    """What the method learns in a step, as numpy arrays."""
    losses, present = np.array(losses, "float32"), np.array(present)
    changed = {}
    if method.uses_losses_after:
        changed = method.on_step(losses, losses**2 / 2, present, values)
    if method.uses_gradient_norms:
        changed = method.on_gradients(losses**3, losses, present, values)
    return values | {name: np.asarray(value) for name, value in changed.items()}


# === Fixed values ===


@pytest.mark.parametrize(("method", "value", "gradient"), REFERENCE, ids=lambda value: repr(value)[:20])
def test_values_of_the_reference(method, value, gradient):
    found = combine(method, [1, 2, 4], [True] * 3, tasks=NUMBERS)
    assert found[0] == pytest.approx(value, rel=1e-6)
    assert found[1] == pytest.approx(gradient, rel=1e-6)


def test_dynamic_weight_average_of_the_reference():
    method = DynamicWeightAverage()
    values = start(method)
    for losses in ([1.0, 2.0, 4.0], [0.5, 1.8, 0.4]):
        assert combine(method, [1, 2, 4], [True] * 3, values)[0] == 7
        values = method.on_epoch_end(np.array(losses), values)
    value, gradient, _ = combine(method, [1, 2, 4], [True] * 3, values)
    assert value == pytest.approx(6.629046228199707, rel=1e-6)
    assert gradient == pytest.approx([0.9867987668667201, 1.2052787356000665, 0.8079224975332135], rel=1e-6)


def test_uncertainty_halves_regression_only():
    log_variances = np.array([0.2, -0.3, 0.7], "float32")
    value, gradient, (learned,) = combine(Uncertainty(), [1, 2, 4], [True] * 3, {"log_variances": log_variances})
    weights = np.array([0.5, 1, 1]) * np.exp(-log_variances)
    assert value == pytest.approx(weights @ [1, 2, 4] + log_variances.sum() / 2, rel=1e-6)
    assert gradient == pytest.approx(weights, rel=1e-6)
    assert learned == pytest.approx(0.5 - weights * [1, 2, 4], rel=1e-5)


def test_static_weights_go_by_name():
    method = Static({"ethnicity": 0.25, "age": 3})
    assert combine(method, [1, 2, 4], [True] * 3)[1].tolist() == [3, 1, 0.25]
    assert combine(Static({"age": 3}), [2], [True])[0] == 6
    with pytest.raises(ValueError, match="Expected weights for the tasks gender, received also: ethnicity, age"):
        method.variables({"gender": False})


def test_random_weights_are_the_softmax_of_the_draws():
    draws = np.array([0.0, 1.0, -2.0], "float32")
    gradient = combine(RandomLossWeighting(), [1, 2, 4], [True] * 3, {"draws": draws})[1]
    assert gradient == pytest.approx(np.exp(draws) / np.exp(draws).sum(), rel=1e-6)


def test_smooth_tchebycheff_tends_to_the_largest():
    value, gradient, _ = combine(SmoothTchebycheff(1e-4), [1, 2, 4], [True] * 3)
    assert value == pytest.approx(4 / 3)
    assert gradient == pytest.approx([0, 0, 1 / 3])


def test_smooth_tchebycheff_scales_after_its_warmup():
    method = SmoothTchebycheff(1e-4, warmup=2)
    values = start(method)
    for losses in ([9.0, 9.0, 9.0], [10.0, 1.0, NAN]):
        value, gradient, _ = combine(method, [1, 2, 4], [True] * 3, values)
        assert value == pytest.approx(7 / 3)
        assert gradient == pytest.approx([1 / 3] * 3)
        values = values | method.on_epoch_end(np.array(losses), values)
    assert values["scales"].tolist() == [10, 1, 1]
    # A tenth of its scale for the first, twice for the second.
    assert combine(method, [1, 2, 0.5], [True] * 3, values)[0] == pytest.approx(2 / 3)
    assert (values | method.on_epoch_end(np.ones(3), values))["scales"].tolist() == [10, 1, 1]


def test_famo_helps_the_task_that_fell_least():
    method = FAMO(learning_rate=0.1)
    values = start(method)
    before, after = np.array([1.0, 1.0, 1.0], "float32"), np.array([0.5, 0.9, 0.99], "float32")
    for _ in range(5):
        changed = method.on_step(before, after, np.ones(3, bool), values)
        values = {name: np.asarray(value) for name, value in changed.items()}
    assert values["logits"][0] < 0 < values["logits"][2]
    gradient = combine(method, [1, 1, 1], [True] * 3, values)[1]
    assert gradient[0] < gradient[1] < gradient[2]
    assert gradient.sum() == pytest.approx(1)


def test_famo_first_step_is_adams():
    method = FAMO(learning_rate=0.025, decay=0.0)
    changed = method.on_step(np.float32([1, 2, 4]), np.float32([0.5, 2, 3]), np.ones(3, bool), start(method))
    # The first step of Adam has the length of its learning rate whatever the gradient.
    expected = np.array([-0.025, 0.025, 0.025 if np.log(4 / 3) < np.log(8 / 3) / 3 else -0.025])
    assert np.asarray(changed["logits"]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_gradnorm_brings_the_norms_together():
    method = GradNorm(alpha=0.0, learning_rate=0.03)
    values, norms = start(method), np.array([1.0, 2.0, 5.0], "float32")
    for _ in range(100):
        changed = method.on_gradients(norms, np.ones(3, "float32"), np.ones(3, bool), values)
        values = {name: np.asarray(value) for name, value in changed.items()}
    assert values["weights"].sum() == pytest.approx(3, rel=1e-5)
    assert values["weights"] * norms == pytest.approx([30 / 17] * 3, rel=0.1)


def test_gradnorm_helps_the_task_that_lags_behind():
    method = GradNorm(alpha=1.0, learning_rate=0.1)
    values, norms = start(method), np.ones(3, "float32")
    for losses in ([1, 10, 100], [0.5, 9, 50]):
        changed = method.on_gradients(norms, np.array(losses, "float32"), np.ones(3, bool), values)
        values = {name: np.asarray(value) for name, value in changed.items()}
    assert values["first_losses"].tolist() == [1, 10, 100]
    assert values["weights"][1] > 1 > values["weights"][0] == values["weights"][2]


# === Every method ===


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_one_task_is_plain_training_to_the_bit(method):
    if isinstance(method, Static) and method.weights:
        pytest.skip("weights given by hand count for one task too")
    assert all(entry.role == "constant" for entry in method.variables({"age": True}).values())
    assert method.on_epoch_end(np.array([1.0]), {}) == {}
    for loss in (0.0, 1e-20, 0.1, 7.3, 1e20, math.inf):
        value, gradient, _ = combine(method, [loss], [True])
        assert (value, gradient.tolist()) == (float(np.float32(loss)), [1.0])
        value, gradient, _ = combine(method, [NAN], [False])
        assert (value, gradient.tolist()) == (0.0, [0.0])


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_absent_tasks_are_left_out(method):
    values = start(method)
    for present in ([True, False, True], [False, True, True]):
        tasks = {name: number for (name, number), kept in zip(TASKS.items(), present) if kept}
        part = {name: value[present] if value.ndim else value for name, value in values.items()}
        smaller = Static({k: v for k, v in method.weights.items() if k in tasks}) if type(method) is Static else method
        expected = combine(smaller, np.array([1, 2, 4])[present], [True, True], part, tasks)
        value, gradient, learned = combine(method, np.where(present, [1, 2, 4], NAN), present, values)
        assert value == pytest.approx(expected[0], rel=1e-6)
        assert gradient[present] == pytest.approx(expected[1], rel=1e-6)
        assert gradient[np.invert(present)].tolist() == [0]
        for of_all, of_part in zip(learned, expected[2]):
            assert of_all[present] == pytest.approx(of_part, rel=1e-5)
            assert of_all[np.invert(present)].tolist() == [0]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_nothing_present_is_nothing_lost(method):
    value, gradient, learned = combine(method, [NAN] * 3, [False] * 3, start(method))
    assert value == 0
    assert not gradient.any()
    assert not np.any(learned)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_permuting_the_tasks_permutes_the_gradient(method):
    order = [2, 0, 1]
    names = list(TASKS)
    values = hook(method, [1, 2, 4], [True] * 3, start(method))
    permuted = {name: value[order] if value.ndim else value for name, value in values.items()}
    value, gradient, learned = combine(method, [1, 2, 4], [True] * 3, values)
    tasks = {names[index]: TASKS[names[index]] for index in order}
    other = combine(method, [4, 1, 2], [True] * 3, permuted, tasks)
    assert other[0] == pytest.approx(value, rel=1e-6)
    assert other[1] == pytest.approx(gradient[order], rel=1e-6)
    for of_one, of_other in zip(learned, other[2]):
        assert of_other == pytest.approx(of_one[order], rel=1e-6)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_no_loss_is_too_small_or_large(method):
    values = start(method)
    for losses in ([0, 0, 0], [0, 1, 2], [1e-12, 1, 1e12], [1e-12] * 3, [1e12] * 3, [1e-30, 1e30, 1]):
        value, gradient, learned = combine(method, losses, [True] * 3, values)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert (gradient >= 0).all()
        assert np.isfinite(learned).all()
        values = hook(method, np.minimum(losses, 1e12), [True, True, False], values)
        values = values | method.on_epoch_end(np.array(losses, "float64"), values)
        for name, value in values.items():
            assert np.isfinite(value).all() or name in ("first_losses", "last_losses")


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_variables_keep_their_shapes_and_the_absent_tasks_part(method):
    entries = method.variables(TASKS)
    values = start(method)
    for present in ([True, True, False], [True, False, True], [False, False, False]):
        losses = np.where(present, [1.0, 2.0, 4.0], NAN)
        after = hook(method, losses, present, values)
        after_epoch = after | method.on_epoch_end(losses, after)
        for name, entry in entries.items():
            for new in (after[name], after_epoch[name]):
                assert (new.shape, new.dtype) == (entry.value.shape, np.dtype("float32"))
            if entry.role != "state":
                assert after_epoch[name] is values[name]
            elif entry.value.ndim:
                np.testing.assert_array_equal(after_epoch[name][np.invert(present)], values[name][np.invert(present)])
        values = after_epoch


@pytest.mark.parametrize("method", [FAMO(), GradNorm()], ids=repr)
def test_what_is_not_finite_is_not_learned(method):
    values = hook(method, [1, 2, 4], [True] * 3, start(method))
    for wrong in (NAN, math.inf):
        learned = hook(method, [1, wrong, 4], [True, True, True], values)
        assert all(np.isfinite(value).all() for value in learned.values())


def test_epochs_without_labels_are_passed_over():
    method = DynamicWeightAverage()
    values = start(method)
    for losses in ([1.0, 2.0, NAN], [0.5, NAN, 4.0], [0.5, 1.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]):
        values = method.on_epoch_end(np.array(losses), values)
        if losses[0] == 0.5 and losses[1] == 1.0:
            assert values["rates"].tolist() == [1, 0.5, 0.25]
    # From nothing to something is no rate.
    assert values["rates"].tolist() == [1, 1, 1]


def test_equal_is_the_sum():
    assert combine(Equal(), [1, 2, 4], [True] * 3)[0] == 7


def test_the_unit_of_the_losses_makes_no_difference_to_the_geometric_mean():
    first = combine(GeometricMean(), [1, 2, 4], [True] * 3)
    second = combine(GeometricMean(), [1e3, 0.02, 4], [True] * 3)
    assert second[1] * [1e3, 0.02, 4] / second[0] == pytest.approx(first[1] * [1, 2, 4] / first[0], rel=1e-5)


# === GradDrop ===


def drop(method, gradients, present, uniform):
    arrays = np.array(gradients, "float32"), np.array(present), np.array(uniform, "float32")
    return np.asarray(method.combine(*arrays))


def test_graddrop_draws_a_sign_for_each_entry():
    gradients = [[1.0, 1.0, 1.0, 0.0, -2.0], [-3.0, -3.0, 2.0, 0.0, -1.0]]
    # A quarter is positive in the first two.
    uniform = [0.2, 0.3, 0.999, 0.5, 0.0]
    assert drop(GradDrop(), gradients, [True, True], uniform).tolist() == [1, -3, 3, 0, -3]
    assert drop(GradDrop(0.5), gradients, [True, True], uniform).tolist() == [-0.5, -2.5, 3, 0, -3]
    assert drop(GradDrop(1.0), gradients, [True, True], uniform).tolist() == [-2, -2, 3, 0, -3]


def test_graddrop_keeps_the_expected_sign_shares(rng):
    gradients = np.repeat([[2.0], [-1.0]], 20_000, axis=1)
    found = drop(GradDrop(), gradients, [True, True], rng.random(20_000))
    assert set(found.tolist()) == {2, -1}
    assert (found > 0).mean() == pytest.approx(2 / 3, abs=0.02)


def test_graddrop_of_one_present_task_is_its_gradient_to_the_bit(rng):
    for leak in (0.0, 0.3):
        gradients = rng.normal(size=(3, 100)).astype("float32") * 10.0 ** rng.uniform(-12, 12, (3, 1)).astype("float32")
        gradients[[0, 2]] = NAN
        found = drop(GradDrop(leak), gradients, [False, True, False], rng.random(100))
        np.testing.assert_array_equal(found, gradients[1])
        assert not drop(GradDrop(leak), gradients, [False, False, False], rng.random(100)).any()


def test_graddrop_is_finite_for_huge_and_tiny_gradients(rng):
    for scale in (1e-30, 1e-12, 1e12, 1e37):
        gradients = rng.normal(size=(4, 50)) * scale
        found = drop(GradDrop(), gradients, [True] * 4, rng.random(50))
        assert np.isfinite(found).all()
        assert found.any()
        order = rng.permutation(4)
        np.testing.assert_allclose(
            drop(GradDrop(1.0), gradients[order], [True] * 4, np.zeros(50)),
            gradients.sum(axis=0),
            rtol=1e-3,
            atol=1e-5 * scale,
        )


# === Backends and arguments ===


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_loss_weighting_is_the_same_on_every_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = Path(weighting_figures.__file__)
    process = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    expected, received = figures(), json.loads(process.stdout)
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        assert received[name] == pytest.approx(value, rel=1e-5, abs=1e-6, nan_ok=True), name


@pytest.mark.slow
def test_totals_run_in_a_graph():
    tf = pytest.importorskip("tensorflow")
    for method in METHODS:
        values = start(method)
        function = tf.function(
            lambda losses, present, method=method, values=values: method.combine(losses, present, values)
        )
        expected = combine(method, [1, 2, 4], [True, False, True], values)[0]
        assert float(function(tf.constant([1.0, 2, 4]), tf.constant([True, False, True]))) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Static({"age": -1.0}), "at least 0 for task 'age', received: -1.0"),
        (lambda: Uncertainty(NAN), "finite `initial`"),
        (lambda: DynamicWeightAverage(0.0), "`temperature` above 0"),
        (lambda: GeometricMean(0.0), "`epsilon` of at least 1e-30"),
        (lambda: GradNorm(alpha=-1.0), "`alpha` of at least 0"),
        (lambda: GradNorm(learning_rate=NAN), "`learning_rate` of at least 0"),
        (lambda: FAMO(learning_rate=-1.0), "`learning_rate` of at least 0"),
        (lambda: FAMO(decay=-1.0), "`decay` of at least 0"),
        (lambda: SmoothTchebycheff(0.0), "`mu` above 0"),
        (lambda: SmoothTchebycheff(warmup=-1), "`warmup` to be a number of epochs"),
        (lambda: SmoothTchebycheff(warmup=0.5), "`warmup` to be a number of epochs"),
    ],
)
def test_wrong_arguments_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
