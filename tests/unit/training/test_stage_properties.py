"""Properties of stages: they are values, and their optimizers have what was asked for."""

from __future__ import annotations

import dataclasses

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlzoo.training import Stage
from mtlzoo.training.stages import OPTIMIZERS, SCHEDULES

COUNT = st.integers(1, 1000)
STAGE = st.builds(
    Stage,
    epochs=COUNT,
    learning_rate=st.floats(1e-6, 1),
    trainable=st.one_of(st.sampled_from(["heads", "all"]), COUNT, st.lists(st.text("ab_1", min_size=1), min_size=1)),
    schedule=st.sampled_from(SCHEDULES),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    batch_size=st.one_of(st.none(), COUNT),
    patience=st.one_of(st.none(), COUNT),
)


@given(STAGE)
def test_a_stage_is_made_again_from_its_settings(stage):
    assert Stage(**dataclasses.asdict(stage)) == stage


@given(STAGE, COUNT)
def test_the_learning_rate_begins_where_it_should_and_falls_to_nothing(stage, steps):
    rate = stage.make_optimizer(steps).get_config()["learning_rate"]
    if stage.schedule == "constant":
        assert rate == pytest.approx(stage.learning_rate, rel=1e-5)
    else:
        schedule = keras.optimizers.schedules.deserialize(rate)
        assert float(schedule(0)) == pytest.approx(stage.learning_rate, rel=1e-5)
        assert float(schedule(steps)) == pytest.approx(0, abs=1e-6)
