"""Balancing inside `fit`, against what plain numpy and plain gradient tapes give.

Most steps are not compiled, since tracing takes longer than a few steps do; the program of figures compiles each way in
which a method takes part in a step.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import balanced_figures
import keras
import numpy as np
import pytest
import tensorflow as tf
from asked import usually
from keras import layers

import mtlzoo as mtl
from mtlzoo import balancing
from mtlzoo.balancing import BALANCING
from mtlzoo.balancing.weighting import LossWeighting
from mtlzoo.models.splitting import split

NAN = float("nan")
WEIGHTING = [name for name, cls in BALANCING.items() if issubclass(cls, LossWeighting)]
GRADIENT = [name for name in BALANCING if name not in WEIGHTING]
FIGURES = Path(balanced_figures.__file__)


def network(heads=None, l2=None):
    keras.utils.set_random_seed(1)
    images = keras.Input((4, 4, 3))
    x = layers.Conv2D(6, 3, activation="tanh", kernel_regularizer=l2, name="conv")(images)
    backbone = keras.Model(images, layers.Conv2D(5, 2, activation="tanh", name="second")(x), name="small")
    heads = heads or {"kind": 3, "yes": mtl.BinaryHead(loss_weight=0.5), "size": mtl.RegressionHead(scale=2.0)}
    return mtl.build(backbone, heads, (4, 4, 3), weights=None, dropout=0.0)


def draw_batch():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(12, 4, 4, 3)).astype("float32")
    kind = rng.integers(0, 3, 12)
    kind[::3] = -1
    yes = rng.integers(0, 2, 12).astype("float32")
    yes[:4] = -1
    size = rng.normal(size=12).astype("float32")
    size[5:8] = NAN
    return images, {"kind": kind, "yes": yes, "size": size}


@pytest.fixture
def batch():
    return draw_batch()


def task_gradients(model, images, labels, sample_weight=None):
    """Each head's weighted loss, and the gradients of each with respect to representation, trunk and heads."""
    parts = split(model)
    with tf.GradientTape(persistent=True) as tape:
        representation = parts.trunk(images, training=True)
        tape.watch(representation)
        predictions = parts.heads(representation, training=True)
        losses = [
            head.loss_weight * head.loss()(labels[name], predictions[name], sample_weight)
            for name, head in model.heads.items()
        ]
    shared, own = parts.trunk.trainable_variables, parts.heads.trainable_variables

    def gradients(loss, variables):
        found = tape.gradient(loss, variables)
        return [np.zeros(each.shape) if part is None else np.array(part) for part, each in zip(found, variables)]

    return (
        np.array([float(loss) for loss in losses]),
        np.array([np.ravel(tape.gradient(loss, representation)) for loss in losses]),
        [gradients(loss, shared) for loss in losses],
        [gradients(loss, own) for loss in losses],
    )


def one_step(model, method, images, labels, **fit):
    """What one step of plain gradient descent with learning rate 1 takes from the weights, by variable path.

    Eagerly, which is quicker for a single step; the program of figures compiles every method.
    """
    model.compile(keras.optimizers.SGD(1.0), balancing=method, run_eagerly=True)
    before = {weight.path: np.array(weight) for weight in model.trainable_weights}
    model.fit(images, labels, batch_size=len(images), epochs=1, shuffle=False, verbose=0, **fit)
    return {weight.path: before[weight.path] - np.array(weight) for weight in model.trainable_weights}


def weighted(gradients, weights):
    return [sum(weight * np.asarray(part) for weight, part in zip(weights, parts)) for parts in zip(*gradients)]


def check(step, variables, expected, **tolerance):
    for variable, values in zip(variables, expected, strict=True):
        np.testing.assert_allclose(step[variable.path], values, **({"rtol": 2e-3, "atol": 2e-6} | tolerance))


# === Gradient balancing ===

FIXED = {
    "mgda": balancing.MGDA,
    "pcgrad": lambda **kwargs: balancing.PCGrad("fixed", **kwargs),
    "cagrad": balancing.CAGrad,
    "imtl_g": balancing.IMTLG,
    "nash_mtl": balancing.NashMTL,
    "aligned_mtl": balancing.AlignedMTL,
    "fairgrad": balancing.FairGrad,
    "upgrad": balancing.UPGrad,
    "dualproj": balancing.DualProj,
    "config": balancing.ConFIG,
}


BOTH_WAYS = [(name, "representation") for name in GRADIENT] + [(name, "parameters") for name in ("pcgrad", "nash_mtl")]
FEW = {("pcgrad", "representation"), ("graddrop", "representation"), ("nash_mtl", "parameters")}


@pytest.mark.parametrize(("name", "gradients"), usually(FEW, [pair for pair in BOTH_WAYS if pair[0] in FIXED]))
def test_shared_layers_follow_the_direction_and_heads_their_own_loss(name, gradients, batch, rng):
    model, method = network(), FIXED[name](gradients=gradients)
    losses, representation, shared, own = task_gradients(model, *batch)
    compared = representation
    if gradients == "parameters":
        compared = np.array([np.concatenate([np.ravel(part) for part in parts]) for parts in shared])
    weights, _ = method.balance(compared @ compared.T, losses, np.ones(3, bool), method.initial_state(3), rng)
    parts = split(model)
    step = one_step(model, method, *batch)
    check(step, parts.trunk.trainable_variables, weighted(shared, weights))
    check(step, parts.heads.trainable_variables, weighted(own, np.ones(3)))


@pytest.mark.parametrize("gradients", usually(["representation"], ["representation", "parameters"]))
def test_graddrop_that_leaks_all_is_the_plain_sum(gradients, batch):
    plain = one_step(network(), None, *batch)
    step = one_step(network(), balancing.GradDrop(leak=1.0, gradients=gradients), *batch)
    for path, values in plain.items():
        np.testing.assert_allclose(step[path], values, rtol=1e-4, atol=1e-6)


@pytest.mark.long
def test_graddrop_drops_signs(batch):
    model = network()
    _, _, shared, _ = task_gradients(model, *batch)
    step = one_step(model, balancing.GradDrop(gradients="parameters"), *batch)
    for variable, parts in zip(split(model).trunk.trainable_variables, zip(*shared)):
        parts = np.array(parts)
        either = [np.where(parts > 0, parts, 0).sum(axis=0), np.where(parts < 0, parts, 0).sum(axis=0)]
        close = [np.isclose(step[variable.path], sign, rtol=1e-3, atol=1e-6) for sign in either]
        assert np.logical_or(*close).all()
        assert not close[0].all()


@pytest.mark.parametrize(("name", "gradients"), usually(FEW, BOTH_WAYS))
def test_an_absent_task_takes_no_part(name, gradients, batch):
    images, labels = batch
    labels = {**labels, "yes": np.full(12, -1.0, "float32")}
    heads = {"kind": 3, "size": mtl.RegressionHead(scale=2.0)}
    three, two = network(), network(heads)
    for weight in two.weights:
        weight.assign(next(other for other in three.weights if other.path == weight.path))
    # Two tasks meet in one order only.
    left = one_step(three, BALANCING[name](gradients=gradients), images, labels)
    right = one_step(two, BALANCING[name](gradients=gradients), images, {key: labels[key] for key in heads})
    if name != "graddrop":  # whose draws are by chance
        for path, values in right.items():
            np.testing.assert_allclose(left[path], values, rtol=2e-3, atol=2e-6, err_msg=path)
    assert not np.any(left["yes/kernel"])


@pytest.fixture(scope="module")
def one_present():
    """A batch with labels of one head, and what a step without balancing does with it."""
    images, labels = draw_batch()
    labels = {"kind": labels["kind"], "size": np.full(12, NAN, "float32")}  # and no key at all for the third
    return images, labels, one_step(network(), None, images, labels)


@pytest.mark.parametrize("name", usually({"pcgrad", "cagrad"}, GRADIENT))
def test_one_present_task_trains_as_ever(name, one_present):
    images, labels, plain = one_present
    step = one_step(network(), name, images, labels)
    for path, values in plain.items():
        np.testing.assert_allclose(step[path], values, rtol=1e-5, atol=1e-7)


# === Loss weighting ===


@pytest.mark.parametrize("name", usually({"uncertainty", "famo"}, WEIGHTING))
def test_all_layers_follow_the_total(name, batch):
    model = network()
    losses, _, shared, own = task_gradients(model, *batch)
    method = BALANCING[name]()
    variables = {
        key: entry.value for key, entry in method.variables({"kind": False, "yes": False, "size": True}).items()
    }
    step = one_step(model, method, *batch)
    if name == "rlw":  # weights sum to 1, whatever was drawn
        plain = dict(zip((each.path for each in split(model).heads.trainable_variables), weighted(own, np.ones(3))))
        drawn = [step[f"{layer}/bias"][0] / plain[f"{layer}/bias"][0] for layer in ("kind", "yes", "size_scaled")]
        assert min(drawn) > 0
        assert sum(drawn) == pytest.approx(1, rel=1e-4)
        return
    with tf.GradientTape() as tape:
        values = tf.constant(losses, "float32")
        tape.watch(values)
        total = method.combine(values, np.ones(3, bool), variables)
    weights = tape.gradient(total, values).numpy()
    parts = split(model)
    check(step, parts.trunk.trainable_variables, weighted(shared, weights))
    check(step, parts.heads.trainable_variables, weighted(own, weights))


def test_uncertainty_is_learned_by_the_optimizer(batch):
    model = network()
    losses, *_ = task_gradients(model, *batch)
    step = one_step(model, "uncertainty", *batch)
    expected = 0.5 - np.array([1, 1, 0.5]) * losses  # regression has the factor one half
    np.testing.assert_allclose(step["balancing_state/log_variances"], expected, rtol=1e-4)


def test_gradnorm_learns_from_the_representation(batch):
    model = network()
    losses, representation, *_ = task_gradients(model, *batch)
    model.compile(keras.optimizers.SGD(1e-3), balancing="gradnorm", run_eagerly=True)
    method = model.balancer.balancing
    values = {key: np.array(value) for key, value in model.balancer.state.kept.items()}
    norms = np.linalg.norm(representation, axis=1).astype("float32")
    expected = method.on_gradients(norms, losses.astype("float32"), np.ones(3, bool), values)
    model.fit(*batch, batch_size=12, verbose=0)
    for key, value in expected.items():
        np.testing.assert_allclose(np.array(model.balancer.state.kept[key]), value, rtol=1e-4, err_msg=key)
    assert not np.allclose(np.array(model.balancer.state.kept["weights"]), 1)


@pytest.mark.parametrize("recompute", [True, False])
def test_famo_learns_from_the_losses_after_the_step(recompute, batch):
    model, method = network(), balancing.FAMO(recompute=recompute)
    before, *_ = task_gradients(model, *batch)
    model.compile(keras.optimizers.SGD(0.05), balancing=method, run_eagerly=True)
    values = {key: np.array(value) for key, value in model.balancer.state.kept.items()}
    model.fit(*batch, batch_size=12, verbose=0, shuffle=False)
    after, *_ = task_gradients(model, *batch)
    logits = np.array(model.balancer.state.kept["logits"])
    expected = method.on_step(before.astype("float32"), after.astype("float32"), np.ones(3, bool), values)["logits"]
    if not recompute:  # which waits for the next step
        assert not logits.any()
        model.fit(*batch, batch_size=12, verbose=0, shuffle=False)
        logits = np.array(model.balancer.state.kept["logits"])
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.long
def test_what_famo_computes_anew_leaves_no_trace(tiny_backbone, rng):
    images, labels = (
        rng.uniform(0, 255, (8, 16, 16, 3)).astype("float32"),
        {"a": np.arange(8) % 3, "b": np.arange(8) % 2},
    )
    states = []
    for method in (balancing.FAMO(learning_rate=0.0), balancing.FAMO(learning_rate=0.0, recompute=False)):
        keras.utils.set_random_seed(0)
        model = mtl.build(
            keras.models.clone_model(tiny_backbone), {"a": 3, "b": 2}, (16, 16, 3), weights=None, dropout=0.5
        )
        model.compile(keras.optimizers.SGD(0.01), balancing=method, run_eagerly=True)
        history = model.fit(images, labels, batch_size=4, epochs=2, shuffle=False, verbose=0).history
        states.append(
            (history, {weight.path: np.array(weight) for weight in model.weights if "balancing" not in weight.path})
        )
    assert states[0][0]["loss"] == pytest.approx(states[1][0]["loss"])  # counted once
    for path, value in states[0][1].items():  # batch normalisation and dropout's seeds moved once a step
        np.testing.assert_allclose(value, states[1][1][path], rtol=1e-5, atol=1e-6, err_msg=path)


def test_epochs_teach_dynamic_weight_average(batch):
    model = network()
    model.compile(keras.optimizers.SGD(0.05), balancing="dwa", run_eagerly=True)
    history = model.fit(*batch, batch_size=5, epochs=3, verbose=0).history
    second, third = (
        np.array([history[f"{name}_loss"][epoch] * head.loss_weight for name, head in model.heads.items()])
        for epoch in (1, 2)
    )
    np.testing.assert_allclose(np.array(model.balancer.state.kept["rates"]), third / second, rtol=1e-5)


def test_an_epoch_without_labels_teaches_nothing(batch):
    images, labels = batch
    model = network()
    model.compile(keras.optimizers.SGD(0.05), balancing="dwa", run_eagerly=True)
    model.fit(images, labels, epochs=2, verbose=0)
    rates, last = (np.array(model.balancer.state.kept[key]) for key in ("rates", "last_losses"))
    model.fit(images, {"kind": labels["kind"]}, epochs=1, verbose=0)
    np.testing.assert_array_equal(np.array(model.balancer.state.kept["rates"])[1:], rates[1:])
    np.testing.assert_array_equal(np.array(model.balancer.state.kept["last_losses"])[1:], last[1:])


@pytest.mark.parametrize("name", usually({"uncertainty", "famo"}, WEIGHTING))
def test_a_batch_without_any_label_changes_nothing_in_the_network(name, batch):
    images, _ = batch
    empty = {"kind": np.full(12, -1), "yes": np.full(12, -1.0), "size": np.full(12, NAN)}
    step = one_step(network(), name, images, empty)
    assert all(not values.any() for path, values in step.items() if "balancing" not in path)
    assert all(np.isfinite(values).all() for values in step.values())


# === Whatever the method ===


@pytest.mark.long
def test_one_head_is_plain_training_to_the_bit(batch):
    images, labels = batch
    results = []
    for method in (None, *(name for name in BALANCING if name != "static")):
        model = network({"kind": 3})
        model.compile(keras.optimizers.Adam(1e-2), balancing=method, run_eagerly=True)
        # Keras' own step, then: the same program whatever the method. Two are run to the end.
        assert model.balancer is None
        if method in (None, "uncertainty", "pcgrad"):
            history = model.fit(images, {"kind": labels["kind"]}, epochs=2, verbose=0, shuffle=False).history
            results.append((model.get_weights(), history))
    for weights, history in results[1:]:
        assert history == results[0][1]
        for left, right in zip(weights, results[0][0], strict=True):
            np.testing.assert_array_equal(left, right)


def test_a_fixed_weight_counts_for_one_head_too(batch):
    images, labels = batch
    steps = [
        one_step(network({"kind": 3}), method, images, {"kind": labels["kind"]})
        for method in (None, balancing.Static({"kind": 0.5}))
    ]
    for path, values in steps[0].items():
        np.testing.assert_allclose(steps[1][path], 0.5 * values, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "method", [balancing.Uncertainty(), balancing.CAGrad(), balancing.CAGrad(gradients="parameters")]
)
def test_regularisation_keeps_its_weight(method, batch):
    """A penalty pulls as hard as without balancing."""
    with_penalty = one_step(network(l2=keras.regularizers.L2(0.5)), method, *batch)
    without = one_step(network(), method, *batch)
    (kernel,) = (np.array(weight) for weight in network().weights if weight.path.endswith("conv/kernel"))
    path = next(path for path in without if path.endswith("conv/kernel"))
    np.testing.assert_allclose(with_penalty[path] - without[path], 2 * 0.5 * kernel, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", usually(["pcgrad", "uncertainty"], ["pcgrad", "uncertainty", "gradnorm"]))
def test_sample_weights_count(name, batch):
    images, labels = batch
    weights = np.array([1, 0, 2] * 4, "float32")
    model = network()
    own = task_gradients(model, images, labels, weights)[-1]
    method = balancing.PCGrad("fixed") if name == "pcgrad" else BALANCING[name]()
    step = one_step(model, method, images, labels, sample_weight=weights)
    heads = split(model).heads.trainable_variables
    factors = [1, 1, 0.5] if name == "uncertainty" else np.ones(3)
    check(step, heads, weighted(own, factors))


@pytest.mark.parametrize("name", usually(["uncertainty", "pcgrad"], ["uncertainty", "pcgrad", "gradnorm", "graddrop"]))
def test_a_frozen_trunk_stays(name, batch):
    model = network()
    model.set_trainable("heads")
    before = model.backbone.get_weights()
    step = one_step(model, name, *batch)
    for left, right in zip(before, model.backbone.get_weights()):
        np.testing.assert_array_equal(left, right)
    assert all(values.any() for path, values in step.items() if path.endswith("kernel"))


@pytest.mark.parametrize("name", ["uncertainty", "pcgrad", "graddrop"])
@pytest.mark.long
def test_half_a_trunk(name, batch):
    model = network()
    model.set_trainable(["second"])
    step = one_step(model, name, *batch)
    assert any("second/" in path for path in step)
    assert all(values.any() for values in step.values() if values.size > 1)
    assert not any("conv/" in path for path in step)


@pytest.mark.parametrize(
    "method",
    [
        balancing.Uncertainty(),
        balancing.MGDA(),
        pytest.param(balancing.NashMTL(gradients="parameters"), marks=pytest.mark.long),
        pytest.param(balancing.GradDrop(), marks=pytest.mark.long),
    ],
)
def test_mixed_precision(method, batch):
    """The loss scale of float16 changes no direction."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network()
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**10)
    model.compile(optimizer, balancing=method, run_eagerly=True)
    before = {weight.path: np.array(weight) for weight in model.trainable_weights}
    model.fit(*batch, batch_size=12, verbose=0)
    plain = network()
    plain.compile(keras.optimizers.SGD(0.1), balancing=method, run_eagerly=True)
    plain.fit(*batch, batch_size=12, verbose=0)
    for left, right in zip(model.trainable_weights, plain.trainable_weights, strict=True):
        assert np.isfinite(np.array(left)).all()
        if not isinstance(method, balancing.GradDrop):
            moved = np.array(left) - before[left.path]
            np.testing.assert_allclose(
                moved, np.array(right) - before[left.path], rtol=0.1, atol=2e-3, err_msg=left.path
            )


def test_an_overflow_is_noticed_and_the_state_survives(batch):
    images, labels = batch
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network()
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**40)
    model.compile(optimizer, balancing=balancing.GradVac(beta=0.5))
    before = model.get_weights()
    model.fit(images, labels, batch_size=12, epochs=1, verbose=0)
    for left, right in zip(before, model.get_weights()):
        if left.dtype != np.uint32:  # the seed's count
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", usually(["pcgrad"], ["pcgrad", "uncertainty"]))
def test_clipping_and_accumulation_see_the_balanced_gradients(name, batch):
    model = network()
    model.compile(keras.optimizers.SGD(1.0, global_clipnorm=1e-3), balancing=name, run_eagerly=True)
    before = [np.array(weight) for weight in model.trainable_weights]
    model.fit(*batch, batch_size=12, verbose=0)
    moved = np.concatenate([np.ravel(np.array(w) - b) for w, b in zip(model.trainable_weights, before)])
    assert np.linalg.norm(moved) == pytest.approx(1e-3, rel=1e-3)
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2), balancing=name, run_eagerly=True)
    before = [np.array(weight) for weight in model.trainable_weights]
    model.fit(*batch, batch_size=12, verbose=0)
    for weight, value in zip(model.trainable_weights, before):
        np.testing.assert_array_equal(np.array(weight), value)
    model.fit(*batch, batch_size=12, verbose=0)
    assert any((np.array(weight) != value).any() for weight, value in zip(model.trainable_weights, before))


def test_the_logged_loss_is_the_plain_sum(batch):
    model = network()
    model.compile(keras.optimizers.SGD(0.0), balancing="imtl_l", run_eagerly=True)
    history = model.fit(*batch, batch_size=4, verbose=0).history
    expected = history["kind_loss"][0] + 0.5 * history["yes_loss"][0] + history["size_loss"][0]
    assert history["loss"][0] == pytest.approx(expected)


# === State ===


@pytest.mark.parametrize("name", usually({"uncertainty", "gradnorm"}, ["uncertainty", "gradvac", "gradnorm", "dwa"]))
def test_a_checkpoint_holds_what_was_learned(name, batch, tmp_path):
    model = network()
    model.compile(keras.optimizers.Adam(0.01), balancing=name, run_eagerly=True)
    model.fit(*batch, batch_size=12, epochs=2, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.balancer.balancing == model.balancer.balancing
    for key, value in model.balancer.state.kept.items():
        np.testing.assert_array_equal(np.array(value), np.array(again.balancer.state.kept[key]), err_msg=key)
    for one in (model, again):
        one.fit(*batch, batch_size=12, verbose=0, shuffle=False)
    for left, right in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_compiling_the_same_method_again_goes_on(batch):
    model = network()
    model.compile(keras.optimizers.SGD(0.1), balancing="uncertainty", run_eagerly=True)
    model.fit(*batch, verbose=0)
    learned = np.array(model.balancer.state.kept["log_variances"])
    assert learned.any()
    model.compile(keras.optimizers.SGD(0.1), balancing=balancing.Uncertainty(), run_eagerly=True)
    np.testing.assert_array_equal(np.array(model.balancer.state.kept["log_variances"]), learned)
    model.compile(keras.optimizers.SGD(0.1), balancing=balancing.Uncertainty(initial=0.5), run_eagerly=True)
    np.testing.assert_array_equal(np.array(model.balancer.state.kept["log_variances"]), np.full(3, 0.5, "float32"))
    assert sum("balancing" in weight.path for weight in model.trainable_weights) == 1
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    assert model.balancer is None
    assert not any("balancing" in weight.path for weight in model.weights)


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_an_exported_file_knows_nothing_of_balancing(suffix, batch, tmp_path):
    model = network()
    model.compile(keras.optimizers.SGD(0.1), balancing="uncertainty", run_eagerly=True)
    model.fit(*batch, verbose=0)
    path = mtl.export(model, tmp_path / f"model.{suffix}")
    plain = keras.models.load_model(path)
    assert not any("balancing" in weight.path for weight in plain.weights)
    assert b"log_variances" not in path.read_bytes()
    np.testing.assert_array_equal(plain(batch[0])["kind"], model(batch[0])["kind"])
    assert mtl.load_model(path).balancer is None


# === Refusals ===


def test_xla_is_refused_where_it_cannot_be():
    with pytest.raises(ValueError, match="jit_compile=False"):
        network().compile("adam", balancing="mgda", jit_compile=True)
    model = network()
    model.compile("adam", balancing="uncertainty", jit_compile=True)
    assert model.jit_compile


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'pcgrad'"):
        network().compile("adam", balancing="pcgard")
    with pytest.raises(ValueError, match="received also: age"):
        network().compile("adam", balancing=balancing.Static({"age": 2.0}))


def test_backends_without_balancing_say_so(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(NotImplementedError, match="tensorflow or jax"):
        network().compile("adam", balancing="mgda")


# === Other backends and replicas ===


@pytest.fixture(scope="module")
def reference():
    """What one device finds with TensorFlow."""
    return balanced_figures.figures()


@pytest.mark.long
@pytest.mark.parametrize("surroundings", ["jax", "replicas"])
def test_the_same_numbers_elsewhere(surroundings, reference, tmp_path):
    if surroundings == "jax":
        pytest.importorskip("jax")
    backend = "jax" if surroundings == "jax" else "tensorflow"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "KERAS_BACKEND": backend}
    path = tmp_path / "other.npz"
    arguments = [sys.executable, str(FIGURES), str(path), *(["2"] if surroundings == "replicas" else [])]
    result = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    other = np.load(path)
    assert set(reference) == set(other.files)
    for key, value in reference.items():
        np.testing.assert_allclose(other[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
