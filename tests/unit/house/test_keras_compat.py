"""What `mtlzoo.keras_compat` says of Keras' private parts is true of the Keras that is installed.

The file needs nothing of the package beside, so that it can be run with another Keras first on the path.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo import keras_compat


@pytest.fixture
def nested():
    """Two layers in a model in a model."""
    images = keras.Input((8, 8, 3), name="inside")
    inner = keras.Model(images, layers.Conv2D(2, 3, name="conv")(images), name="inner")
    outside = keras.Input((8, 8, 3), name="outside")
    return keras.Model(outside, layers.Flatten(name="flat")(inner(outside)), name="outer")


def test_the_producer_of_a_tensor_is_its_layer(nested):
    assert keras_compat.producer(nested.output) is nested.get_layer("flat")
    assert isinstance(keras_compat.producer(nested.input), layers.InputLayer)


class Own(keras.Model):
    @keras_compat.like_functional
    def __init__(self, inputs, outputs, name=None, *, more=0, **kwargs):
        super().__init__(inputs, outputs, name=name, **kwargs)
        self.more = more


def test_a_class_with_an_init_of_its_own_is_saved_by_its_graph():
    inputs = keras.Input((3,))
    own = Own(inputs, layers.Dense(2)(inputs), name="own", more=1)
    assert own.more == 1
    again = Own.from_config(own.get_config())
    assert (type(again), again.name, again.output_shape) == (Own, "own", (None, 2))


def test_a_tensors_inputs_are_those_of_the_call_that_made_it():
    shared = layers.Dense(2)
    first, second = keras.Input((3,)), keras.Input((3,))
    made = [shared(first), shared(second)]
    for tensor, source in zip(made, (first, second)):
        (found,) = keras_compat.input_tensors(tensor)
        assert found is source
    left, right = keras_compat.input_tensors(layers.Add()(made))
    assert (left is made[0], right is made[1]) == (True, True)
    assert keras_compat.input_tensors(first) == []


def test_calls_are_in_order():
    shared = layers.Dense(2)
    sources = [keras.Input((3,)), keras.Input((3,))]
    made = [shared(source) for source in sources]
    calls = keras_compat.calls(shared)
    assert [inputs[0] is source for (inputs, _), source in zip(calls, sources)] == [True, True]
    assert [outputs[0] is tensor for (_, outputs), tensor in zip(calls, made)] == [True, True]


def test_layers_are_those_of_nested_models_too(nested):
    names = [layer.name for layer in keras_compat.flatten_layers(nested)]
    assert sorted(names) == ["conv", "flat", "inner", "inside", "outside"]
    assert names.index("inner") < names.index("conv") < names.index("flat")
    assert keras_compat.flatten_layers(nested, include_self=True)[0] is nested


def test_plain_functional_models_are_of_one_class(nested):
    class Own(keras.Model):
        pass

    own = Own(nested.input, nested.output)
    assert type(nested) is keras_compat.functional_class(nested) is keras_compat.functional_class(own)
    assert type(own) is not keras_compat.functional_class(own)
    assert keras_compat.functional_class(layers.Dense(2)) is None


def test_a_models_own_flag_leaves_its_layers_as_they_are(nested):
    inner, conv = nested.get_layer("inner"), nested.get_layer("inner").get_layer("conv")
    keras_compat.set_own_trainable(inner, False)
    assert not inner.trainable
    assert conv.trainable
    assert nested.trainable


def test_a_models_own_flag_is_read_as_it_is_set(nested):
    for value in (False, True):
        keras_compat.set_own_trainable(nested, value)
        assert keras_compat.own_trainable(nested) is value


def test_what_is_untracked_is_forgotten(nested):
    nested.counted = keras.metrics.Mean(name="counted")
    assert any(metric is nested.counted for metric in nested.metrics)
    keras_compat.untrack(nested, nested.counted)
    keras_compat.untrack(nested, nested.counted)
    assert not any(metric is nested.counted for metric in nested.metrics)


def test_a_layer_that_is_untracked_takes_its_weights_along():
    holder = layers.Layer()
    holder.inside = layers.Dense(2)
    holder.inside.build((None, 3))
    assert len(holder.weights) == 2
    keras_compat.untrack(holder, holder.inside)
    assert holder.weights == []


def test_a_model_is_told_of_its_copies():
    class Marked(keras_compat.TellsOfCopies, keras.Model):
        def __init__(self, inputs, outputs, name=None, **kwargs):
            super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
            self.mark = "none"

        def mark_outputs(self, outputs):
            if isinstance(outputs, keras.KerasTensor):
                outputs._test_mark = self.mark

    images = keras.Input((3,))
    model = Marked(images, layers.Dense(2)(images))
    model.mark = "chalk"
    copied = keras.models.clone_model(model)
    assert copied.output._test_mark == "chalk"
    assert model(np.ones((1, 3), "float32")).shape == (1, 2)


def hooked(replica_metrics):
    class Hooked(keras_compat.ReplicaHooks, keras.Model):
        built_before = 0

        def build_before_training(self):
            self.built_before += 1

        def epoch_metrics(self):
            return replica_metrics

    images = keras.Input((3,))
    model = Hooked(images, layers.Dense(1)(images))
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"), verbose=0)
    return model, history.history


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the hooks are those of the TensorFlow trainer")
def test_a_model_is_asked_before_training_and_for_the_epochs_metrics():
    model, history = hooked({"loss": 7.0})
    assert model.built_before >= 1
    assert history == {"loss": [7.0]}
    _, history = hooked(None)
    assert np.isfinite(history["loss"][0])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="strategies are TensorFlow's")
def test_a_models_strategy_is_the_one_it_was_built_in():
    import tensorflow as tf

    def build():
        images = keras.Input((3,))
        return keras.Model(images, layers.Dense(1)(images))

    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        inside = build()
    assert keras_compat.own_strategy(inside) is strategy
    assert keras_compat.own_strategy(build()) is None


def test_validation_within_fit_is_known():
    class Witness(keras.Model):
        seen: list = []

        def evaluate(self, *args, **kwargs):
            self.seen.append(keras_compat.called_by_fit(kwargs))
            return super().evaluate(*args, **kwargs)

    images = keras.Input((3,))
    model = Witness(images, layers.Dense(1)(images))
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    model.fit(x, y, validation_data=(x, y), verbose=0)
    model.evaluate(x, y, verbose=0)
    assert model.seen == [True, False]


def test_a_distributed_dataset_has_so_many_steps():
    import tensorflow as tf

    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    dataset = tf.data.Dataset.range(6).filter(lambda number: number >= 0).batch(2)
    distributed = strategy.distribute_datasets_from_function(lambda context: dataset)
    assert int(distributed.cardinality) < 0
    keras_compat.set_steps(distributed, 3)
    assert int(distributed.cardinality) == 3


def test_the_specification_of_none_is_told_from_that_of_a_tensor():
    import tensorflow as tf

    number, nothing = tf.data.Dataset.from_tensors((1, None)).element_spec
    assert keras_compat.is_no_tensor(nothing)
    assert not keras_compat.is_no_tensor(number)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tensors of other backends do not keep logits")
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_logits_are_what_the_activation_was_given(activation):
    logits = keras.ops.convert_to_tensor(np.array([[1.0, -2.0, 30.0]], "float32"))
    probabilities = keras.layers.Activation(activation)(logits)
    np.testing.assert_array_equal(keras_compat.logits_of(probabilities), logits)
    assert keras_compat.logits_of(logits) is None


def test_the_direction_of_a_metric_is_known():
    assert keras_compat.metric_direction(keras.metrics.CategoricalAccuracy()) == "up"
    assert keras_compat.metric_direction(keras.metrics.MeanSquaredError()) == "down"
    assert keras_compat.metric_direction(keras.metrics.Sum()) is None


def test_an_optimizer_knows_the_place_of_a_variable_and_its_average():
    variables = [keras.Variable(np.zeros(2, "float32")) for _ in range(3)]
    for optimizer in (keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), keras.optimizers.Adam(use_ema=True)):
        optimizer.build(variables)
        assert [keras_compat.variable_place(optimizer, variable) for variable in variables] == [0, 1, 2]
        assert [variable.shape for variable in keras_compat.averages(optimizer)] == [(2,)] * 3
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5))
    optimizer.build(variables)
    assert len(keras_compat.averages(optimizer)) == 3
    inner = keras_compat.inner_optimizer(optimizer)
    assert (type(inner), keras_compat.inner_optimizer(inner)) == (keras.optimizers.SGD, inner)
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for gradient in (1.0, 2.0):
        optimizer.apply([keras.ops.full((2,), gradient)] * 3, variables)
    np.testing.assert_allclose(keras_compat.averages(optimizer)[0].numpy(), [-2.0, -2.0])  # of -1 and -3


def test_adam_keeps_two_moments_of_a_variable():
    optimizer, variables = keras.optimizers.Adam(), [keras.Variable(np.zeros(size)) for size in (2, 3)]
    optimizer.build(variables)
    optimizer.apply([np.full(2, 10.0), np.zeros(3)])
    first, second = keras_compat.adam_moments(optimizer, variables[0])
    np.testing.assert_allclose([np.asarray(first), np.asarray(second)], [[1.0, 1.0], [0.1, 0.1]], rtol=1e-5)


def test_a_layer_that_is_assigned_later_is_tracked_and_forgotten(nested):
    layer = layers.Dense(2, name="later")
    layer.build((1, 3))
    nested.later = layer
    for _ in range(2):
        keras_compat.track(nested, layer)
        assert sum(known is layer for known in keras_compat.flatten_layers(nested)) == 1
        assert {id(variable) for variable in layer.trainable_variables} <= {
            id(each) for each in nested.trainable_variables
        }
    keras_compat.untrack(nested, layer)
    assert not any(known is layer for known in keras_compat.flatten_layers(nested))
    assert not {id(variable) for variable in layer.variables} & {id(variable) for variable in nested.variables}


@pytest.mark.parametrize("direction", ["min", "max"])
def test_callbacks_are_told_in_what_direction_a_metric_is_better(tmp_path, direction):
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras", monitor="val_score", save_best_only=True)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="val_score")
    told = keras.callbacks.EarlyStopping(monitor="val_score", mode="min")
    for callback in (checkpoint, plateau, told):
        keras_compat.set_direction(callback, direction)
    assert (plateau.mode, told.mode) == (direction, "min")
    if hasattr(checkpoint, "mode"):
        assert checkpoint.mode == direction
    else:
        assert checkpoint.monitor_op(2.0, 1.0) == (direction == "max")
        assert checkpoint.best == (-np.inf if direction == "max" else np.inf)


def test_what_a_layer_holds_itself(nested):
    class Holder(layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Dense(2, name="first"), layers.Dense(2, name="second")]
            self.last = keras.Sequential([layers.Dense(1, name="inside")], name="last")

    assert [layer.name for layer in keras_compat.child_layers(Holder())] == ["first", "second", "last"]
    assert [layer.name for layer in keras_compat.child_layers(nested)] == ["outside", "inner", "flat"]
