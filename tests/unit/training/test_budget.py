"""How many epochs fit into a time."""

from __future__ import annotations

import time

import pytest

from mtlzoo.training import Stage
from mtlzoo.training.budget import Deadline, StepClock, StepCosts, measure_steps, plan_stages

COSTS = StepCosts(step=0.1, look=0.02, start=5.0)
HEADS, ALL = Stage(2, 1e-3, "heads"), Stage(10, 1e-3)


def test_the_rest_of_the_time_goes_to_the_stages_that_train_more_than_heads():
    # 100 batches of training and 10 of validation: an epoch of all takes 10.2 s, one of the heads 2.4 s.
    stages, seconds = plan_stages([HEADS, ALL], COSTS, (100, 10), 120.0)
    assert [stage.epochs for stage in stages] == [2, 9]
    assert seconds == pytest.approx(2 * 5 + 2 * 2.4 + 9 * 10.2)
    assert seconds < 120
    assert [stage.trainable for stage in stages] == ["heads", "all"]


def test_proportions_are_kept():
    stages, _ = plan_stages([Stage(1, 1e-3), Stage(3, 1e-4)], COSTS, (100, 10), 500.0)
    assert [stage.epochs for stage in stages] == [11, 34]


def test_the_heads_get_a_quarter_at_most_and_every_stage_an_epoch():
    stages, _ = plan_stages([Stage(50, 1e-3, "heads"), ALL], COSTS, (100, 10), 120.0)
    assert [stage.epochs for stage in stages] == [10, 7]
    stages, seconds = plan_stages([HEADS, ALL], COSTS, (100, 10), 1.0)
    assert [stage.epochs for stage in stages] == [1, 1]
    assert seconds > 1.0  # which is said


def test_heads_alone_get_all_of_it():
    stages, _ = plan_stages([Stage(2, 1e-3, "heads")], COSTS, (100, 10), 60.0)
    assert [stage.epochs for stage in stages] == [21]


def test_reading_for_the_first_time_costs_once():
    costs = StepCosts(step=0.1, look=0.02, start=5.0, reading=0.2)
    stages, seconds = plan_stages([HEADS, ALL], costs, (100, 10), 140.0)
    assert [stage.epochs for stage in stages] == [2, 9]
    assert seconds == pytest.approx(20 + 2 * 5 + 2 * 2.4 + 9 * 10.2)


class Model:
    stop_training = False
    stop_evaluating = False


def test_a_stage_ends_where_another_epoch_would_end_too_late():
    for until, stops in ((time.monotonic() + 100, False), (time.monotonic() - 10, True)):
        deadline, model = Deadline(until, reserve=5.0), Model()
        deadline.set_model(model)
        deadline.on_epoch_begin(0)
        deadline.on_epoch_end(0)
        assert model.stop_training == stops


def test_the_first_step_is_measured_by_itself(monkeypatch):
    now = iter([0.0, 8.0, 8.5, 9.0, 9.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    clock, model = StepClock(seconds=1.2), Model()
    clock.set_model(model)
    for batch in range(3):
        clock.on_train_batch_end(batch)
    assert not model.stop_training
    clock.on_train_batch_end(3)
    assert model.stop_training
    assert (clock.clock.until_first, clock.step) == (8.0, 0.5)


def test_no_more_steps_are_measured_than_asked_for():
    clock, model = StepClock(most=2), Model()
    clock.set_model(model)
    clock.on_train_batch_end(0)
    assert not model.stop_training
    clock.on_train_batch_end(1)
    assert model.stop_training
    assert clock.clock.batches == 2


class Learner(Model):
    """Takes a second a step while it reads, and a tenth of one afterwards."""

    weights, calls = "as they were", 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def fit(self, batches, callbacks, **_):
        self.weights, self.calls = "trained", self.calls + 1
        for batch in batches:
            self.clock += 1.0 if self.calls == 1 else 0.1
            callbacks[0].set_model(self)
            callbacks[0].on_train_batch_end(batch)
            if self.stop_training:
                break
        self.stop_training = False


def test_steps_are_measured_with_images_in_the_caches(monkeypatch):
    model = Learner()
    model.clock = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: model.clock)
    costs = measure_steps(model, lambda: range(100), None)
    assert (costs.step, costs.reading, costs.start) == pytest.approx((0.1, 0.9, 1.0))
    assert model.weights == "as they were"
