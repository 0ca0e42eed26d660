"""What every kind of head must do. A kind's test file derives a class from `HeadChecks` and says what its labels are."""

from __future__ import annotations

import copy
import json
import math
import pickle
from typing import Any, ClassVar

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from asked import usually

from mtlzoo import heads
from mtlzoo.errors import HeadError
from mtlzoo.heads import Head, LabelError
from mtlzoo.images.geometry import ImageGeometry

ROWS = 24
USUAL = 2  # heads of a kind in each run of the tests
NAN = float("nan")


class HeadChecks:
    """Checks that hold for all heads.

    A subclass says: `heads`, one for each interesting set of arguments; `cells` and `answers`, labels as a person writes
    them and as the head reads them back; `unknown`, a cell to be refused; `raw_missing`, targets of one row that count as
    missing without having been encoded; and the two methods below.
    """

    heads: ClassVar[list[Head]]
    cells: ClassVar[list[Any]]
    answers: ClassVar[list[Any]]
    unknown: ClassVar[Any]
    missing: ClassVar[list[Any]] = [None, NAN, "", "  ", pd.NA, np.float32("nan"), pd.NaT]
    raw_missing: ClassVar[list[np.ndarray]]

    def targets(self, head: Head, rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
        """Random encoded targets of which some are missing."""
        raise NotImplementedError

    def perfect(self, head: Head, targets: np.ndarray) -> np.ndarray:
        """Predictions that are right for these targets."""
        raise NotImplementedError

    def predictions(self, head: Head, rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
        """Random predictions, as the head's own layers put them out."""
        return self.model(head)(rng.normal(size=(rows, 6)).astype("float32")).numpy()

    def model(self, head: Head) -> keras.Model:
        features = keras.Input((6,))
        return keras.Model(features, head.build_layers(features, "answer"))

    def pytest_generate_tests(self, metafunc):
        if "head" in metafunc.fixturenames:
            metafunc.parametrize("head", usually(self.heads[:USUAL], self.heads), ids=repr)

    # === Config ===

    def test_config_round_trip_through_json(self, head):
        config = json.loads(json.dumps(head.get_config(), allow_nan=False))
        again = type(head).from_config(config)
        assert again == head
        assert hash(again) == hash(head)
        assert again.get_config() == head.get_config()
        entry = json.loads(json.dumps(heads.serialize({"answer": head}), allow_nan=False))
        assert heads.deserialize(entry) == {"answer": head}

    def test_what_was_learned_survives_the_round_trip(self, head, rng):
        learned = type(head).from_config(head.get_config())
        learned = learned.adapted(self.targets(learned, rng))
        again = type(head).from_config(json.loads(json.dumps(learned.get_config(), allow_nan=False)))
        assert again == learned
        assert {**again.loss().get_config(), "name": ""} == {**learned.loss().get_config(), "name": ""}

    def test_repr_can_be_evaluated(self, head):
        assert eval(repr(head), dict(vars(heads))) == head

    def test_heads_that_differ_are_not_equal(self, head):
        assert head != type(head).from_config({**head.get_config(), "hidden": [3, 2, 1]})

    def test_wrong_arguments_of_any_head_are_refused(self, head):
        for wrong in ({"hidden": 3}, {"hidden": [0]}, {"dropout": 1.0}, {"loss_weight": -1}, {"loss_weight": NAN}):
            with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
                type(head).from_config({**head.get_config(), **wrong})

    def test_numbers_of_numpy_will_do(self, head):
        assert type(head).from_config({**head.get_config(), "hidden": np.array([4, 2])}).get_config()["hidden"] == [
            4,
            2,
        ]

    def test_it_is_immutable_and_needs_no_copies(self, head, rng):
        before = head.get_config()
        for change in (lambda: setattr(head, "loss_weight", 3.0), lambda: delattr(head, "loss_weight")):
            with pytest.raises(AttributeError, match="make a new head"):
                change()
        learned = head.adapted(self.targets(head, rng))
        with pytest.raises(AttributeError, match="make a new head"):
            learned.loss_weight = 3.0
        head.get_config()["hidden"].append(7)
        assert head.get_config() == before
        assert copy.deepcopy(head) is head
        assert pickle.loads(pickle.dumps(learned)) == learned
        with pytest.raises(AttributeError, match="make a new head"):
            pickle.loads(pickle.dumps(learned)).loss_weight = 3.0

    def test_describes_itself(self, head):
        assert head.describe()

    # === Labels ===

    def test_cells_are_encoded_and_read_back(self, head):
        targets = head.encode(self.cells)
        assert len(targets) == len(self.cells)
        assert head.labelled(targets).all()
        decoded = head.decode(self.perfect(head, targets))
        assert list(decoded["answer"]) == self.answers
        for probabilities in [decoded["probability"]] if "probability" in decoded else []:
            assert np.all(np.hstack(probabilities) > 0.99)

    def test_targets_pass_the_check_and_keep_their_labels(self, head, rng):
        for targets in (self.targets(head, rng), head.encode([None] * 3), *self.raw_missing):
            checked = head.check(targets)
            assert checked.dtype == "float32"
            assert checked.shape[1:] == head.check(head.encode([None])).shape[1:]
            np.testing.assert_array_equal(head.labelled(checked), head.labelled(targets))

    def test_a_plain_loss_of_keras_is_told_which_labels_there_are(self, head, rng):
        targets = self.targets(head, rng)
        if type(head).read is Head.read:
            with pytest.raises(HeadError, match="MaskedLoss"):
                head.read(tf.constant(targets))
            return
        values, labelled = head.read(tf.constant(targets))
        assert np.isfinite(values.numpy()).all()
        known = labelled.numpy().reshape(ROWS, -1).any(axis=-1)
        np.testing.assert_array_equal(known[head.labelled(targets)], True)

    @pytest.mark.parametrize("form", ["list", "object array", "series", "category", "str"])
    def test_cells_may_come_in_any_container(self, head, form):
        cells = [*self.cells, None]
        forms = {
            "list": lambda: cells,
            "object array": lambda: np.array([*cells, []], dtype=object)[:-1],
            "series": lambda: pd.Series(cells, index=range(7, 7 + len(cells))),
            "category": lambda: pd.Series(cells).astype("category"),
            "str": lambda: pd.Series(cells).astype("str").where(pd.notna(pd.Series(cells))),
        }
        expected = np.concatenate([head.encode(self.cells), head.encode([None])])
        np.testing.assert_array_equal(head.encode(forms[form]()), expected)

    def test_every_form_of_an_empty_cell_is_missing(self, head):
        for cell in self.missing:
            for cells in ([self.cells[0], cell], pd.Series([self.cells[0], cell], dtype=object)):
                targets = head.encode(cells)
                assert head.labelled(targets).tolist() == [True, False], repr(cell)
        np.testing.assert_array_equal(head.labelled(head.encode(self.missing)), False)

    def test_an_unknown_cell_is_refused_with_its_row(self, head):
        for cells in (
            [self.cells[0], None, self.unknown],
            pd.Series([self.cells[0], None, self.unknown], dtype="object"),
        ):
            with pytest.raises(LabelError, match="expected") as caught:
                head.encode(cells)
            assert caught.value.row == 2
            assert repr(self.unknown) in caught.value.reason

    def test_categories_left_over_from_other_rows_do_not_matter(self, head):
        column = pd.Series([self.cells[0], self.unknown]).astype("category")[:1]
        np.testing.assert_array_equal(head.encode(column), head.encode(self.cells[:1]))

    def test_encoding_targets_again_changes_nothing(self, head, rng):
        targets = self.targets(head, rng)
        again = head.encode(targets)
        np.testing.assert_array_equal(head.labelled(again), head.labelled(targets))
        np.testing.assert_allclose(again[head.labelled(targets)], targets[head.labelled(targets)], rtol=1e-6)

    def test_head_and_loss_agree_on_which_rows_are_labelled(self, head, rng):
        targets = self.targets(head, rng)
        _, labelled = head.loss().rows(targets, self.predictions(head, rng))
        assert 0 < head.labelled(targets).sum() < ROWS
        np.testing.assert_array_equal(head.labelled(targets), labelled)
        for missing in self.raw_missing:
            missing = np.concatenate([missing, missing])
            assert not head.labelled(missing).any()
            assert not np.any(head.loss().rows(missing, self.predictions(head, rng, 2))[1])

    def test_no_rows_at_all_are_no_trouble(self, head):
        targets = head.encode([])
        assert len(targets) == 0
        assert head.labelled(targets).shape == (0,)

    def test_strata_are_whole_numbers_and_negative_where_missing(self, head, rng):
        targets = self.targets(head, rng)
        strata = head.strata(targets)
        assert np.issubdtype(strata.dtype, np.integer)
        assert len(strata) == ROWS
        known = (strata.reshape(ROWS, -1) >= 0).any(axis=1)
        assert not known[~head.labelled(targets)].any()
        assert known.any()
        assert (head.strata(head.encode([None, None])) == -1).all()

    def test_adapting_is_for_once_and_may_find_nothing(self, head, rng):
        learned = head.adapted(self.targets(head, rng))
        assert learned.adapted(self.targets(head, np.random.default_rng(1))) == learned
        fresh = self.heads[0].adapted(self.heads[0].encode([None, None]))
        assert math.isfinite(
            float(fresh.loss()(fresh.encode(self.cells), self.perfect(fresh, fresh.encode(self.cells))))
        )

    # === Network ===

    def test_builds_its_layers(self, head):
        model = self.model(head)
        assert model.layers[-1].name == "answer"
        assert model.output.dtype == "float32"
        hidden = [layer for layer in model.layers if "_hidden_" in layer.name]
        assert [getattr(layer, "units", None) or layer.filters for layer in hidden] == head.hidden
        assert [layer.rate for layer in model.layers if layer.name == "answer_dropout"] == [head.dropout] * bool(
            head.dropout
        )
        targets = head.encode(self.cells)
        assert model.output_shape == (None, *self.perfect(head, targets).shape[1:])

    def test_puts_out_single_precision_whatever_the_policy(self, head):
        keras.mixed_precision.set_dtype_policy("mixed_float16")
        try:
            model = self.model(head)
            output = model(np.ones((2, 6), "float32"))
        finally:
            keras.mixed_precision.set_dtype_policy("float32")
        assert output.dtype == "float32"

    # === Training ===

    def gradients(self, head, model, features, targets, weights=None):
        with tf.GradientTape() as tape:
            loss = head.loss()(targets, model(features), weights)
        gradients = tape.gradient(loss, model.trainable_variables)
        assert all(gradient is not None for gradient in gradients)
        return float(loss), [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]

    @pytest.mark.parametrize("size", [1.0, 1e4])
    def test_loss_and_gradients_are_finite_even_for_extreme_features(self, head, rng, size):
        model, features = self.model(head), rng.normal(size=(ROWS, 6)).astype("float32") * size
        loss, gradients = self.gradients(head, model, features, self.targets(head, rng))
        assert 0 < loss < np.inf
        assert all(np.isfinite(gradient).all() for gradient in gradients)
        assert any(gradient.any() for gradient in gradients)

    def test_without_labels_the_loss_is_exactly_zero_and_so_are_all_gradients(self, head, rng):
        model, features = self.model(head), rng.normal(size=(ROWS, 6)).astype("float32")
        nothing = [head.encode([None] * ROWS), *(np.concatenate([missing] * ROWS) for missing in self.raw_missing)]
        for size in (1.0, 1e4):
            for targets in nothing:
                loss, gradients = self.gradients(head, model, features * size, targets)
                assert loss == 0.0
                assert all((gradient == 0).all() for gradient in gradients)
        loss, gradients = self.gradients(head, model, features, self.targets(head, rng), np.zeros(ROWS))
        assert loss == 0.0
        assert all((gradient == 0).all() for gradient in gradients)

    def test_missing_rows_change_neither_loss_nor_gradients(self, head, rng):
        model, features = self.model(head), rng.normal(size=(ROWS, 6)).astype("float32")
        targets = self.targets(head, rng)
        rows = head.labelled(targets)
        loss, gradients = self.gradients(head, model, features, targets)
        loss_of_labelled, of_labelled = self.gradients(head, model, features[rows], targets[rows])
        assert loss == pytest.approx(loss_of_labelled, rel=1e-5)
        for one, other in zip(gradients, of_labelled):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)

    def test_the_loss_falls_when_trained(self, head, rng):
        model, features = self.model(head), rng.normal(size=(8, 6)).astype("float32")
        targets, optimizer = self.targets(head, rng, 8), keras.optimizers.Adam(0.1)
        before, _ = self.gradients(head, model, features, targets)
        for _ in range(4):
            _, gradients = self.gradients(head, model, features, targets)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        assert self.gradients(head, model, features, targets)[0] < before

    def test_a_teachers_predictions_are_labels(self, head, rng):
        said = self.predictions(head, rng)
        geometry = ImageGeometry.whole([(60, 80)] * ROWS, (32, 32))
        if not head.teachable:
            with pytest.raises(HeadError, match="Expected a head that a teacher"):
                head.taught(said, geometry)
            return
        labels = head.to_input_space(head.taught(head.to_image_space(said, geometry), geometry), geometry)
        model, features = self.model(head), rng.normal(size=(ROWS, 6)).astype("float32")
        optimizer, losses = keras.optimizers.Adam(0.1), []
        for _ in range(5):  # as any label they can be learned
            loss, gradients = self.gradients(head, model, features, labels)
            losses.append(loss)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        assert np.isfinite(losses).all()
        assert min(losses[1:]) < losses[0]

    # === Figures ===

    def streamed(self, metric, targets, predictions, cuts, weights=None):
        """The metric over batches that end at these rows, and the rest."""
        for part in map(slice, (0, *cuts), (*cuts, len(targets))):
            metric.update_state(targets[part], predictions[part], None if weights is None else weights[part])
        return float(metric.result())

    def test_evaluate_equals_the_streamed_metrics_whatever_the_batches(self, head, rng):
        targets, predictions = self.targets(head, rng), self.predictions(head, rng)
        figures = head.evaluate(targets, predictions)
        for cuts in ((), (1, 2, 9, ROWS - 1)):  # all at once, or several rows and single ones
            for number, metric in enumerate(head.metrics()):
                value = self.streamed(metric, targets, predictions, cuts)
                assert value == pytest.approx(figures[metric.name], rel=1e-5)
                if number == 0:
                    assert metric.name == figures["metric"]
                    assert value == pytest.approx(figures["value"], rel=1e-5)
                    assert float(head.score(value)) == pytest.approx(figures["score"], rel=1e-5)

    def test_evaluate_looks_at_labelled_rows_only(self, head, rng):
        targets, predictions = self.targets(head, rng), self.predictions(head, rng)
        rows = head.labelled(targets)
        poisoned = np.where(rows.reshape(-1, *[1] * (predictions.ndim - 1)), predictions, predictions[::-1])
        figures, expected = head.evaluate(targets, poisoned), head.evaluate(targets[rows], predictions[rows])
        assert figures.pop("metric") == expected.pop("metric")
        assert figures == pytest.approx(expected, rel=1e-6, nan_ok=True)

    def test_evaluate_of_nothing_is_unknown(self, head, rng):
        predictions = self.predictions(head, rng)
        for targets in (
            head.encode([None] * ROWS),
            *(np.concatenate([missing] * ROWS) for missing in self.raw_missing),
        ):
            figures = head.evaluate(targets, predictions)
            assert figures.keys() == head.evaluate(self.targets(head, rng), predictions).keys()
            assert all(np.isnan(value) for name, value in figures.items() if name != "metric")
            confusion = head.confusion(targets, predictions)
            assert confusion is None or confusion[0].sum() == 0

    def test_a_perfect_answer_scores_one_and_a_better_value_scores_higher(self, head, rng):
        targets = self.targets(head, rng)
        figures = head.evaluate(targets, self.perfect(head, targets))
        assert figures["score"] == 1
        assert figures["score"] >= head.evaluate(targets, self.predictions(head, rng))["score"]
        scores = [float(head.score(value)) for value in np.linspace(0, 1, 11)]
        if head.metrics()[0].mode == "min":
            scores = scores[::-1]
        assert (np.diff(scores) > 0).all()
        assert max(scores) == 1

    def test_the_baseline_is_between_nothing_and_perfection(self, head, rng):
        targets = self.targets(head, rng)
        figures = head.evaluate(targets, self.perfect(head, targets))
        assert float(head.score(figures["baseline"])) < 1
        assert np.isfinite(figures["baseline"])

    def test_rows_of_weight_zero_are_not_counted(self, head, rng):
        targets, predictions = self.targets(head, rng), self.predictions(head, rng)
        kept = np.arange(ROWS) % 3 > 0
        for metric, same in zip(head.metrics(), head.metrics()):
            value = self.streamed(metric, targets, predictions, [7], kept.astype("float32"))
            assert value == pytest.approx(self.streamed(same, targets[kept], predictions[kept], [7]), rel=1e-5)

    def test_confusion_counts_each_labelled_row_once(self, head, rng):
        targets = self.targets(head, rng)
        counted = head.confusion(targets, self.predictions(head, rng))
        if counted is not None:
            matrix, names = counted
            assert matrix.sum() == head.labelled(targets).sum()
            assert matrix.shape == (len(names), len(names))
            perfect, _ = head.confusion(targets, self.perfect(head, targets))
            assert perfect.trace() == perfect.sum()
