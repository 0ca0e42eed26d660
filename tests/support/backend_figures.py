"""Every loss and every metric on fixed inputs, with whatever backend Keras runs. Run as a program it prints them as JSON."""

from __future__ import annotations

import json

import numpy as np

NAN = float("nan")


def figures() -> dict[str, float | list[float]]:
    """Figures by name: losses and sums with and without sample weights, and metrics over two batches."""
    from keras import ops

    from mtlzoo import losses, masking, metrics

    rng = np.random.default_rng(0)
    ids = rng.integers(-1, 4, 12)
    one_hot = np.eye(4, dtype="float32")[ids] * (ids >= 0)[:, None]
    soft = (rng.dirichlet(np.ones(4), 12) * (ids >= 0)[:, None]).astype("float32")
    fractions = rng.dirichlet(np.ones(4), 12).astype("float32")
    fractions[0], fractions[1] = [1, 0, 0, 0], [0, 0, 0, 1]
    tags = rng.integers(-1, 2, (12, 3)).astype("float32")
    answers = rng.random((12, 3)).astype("float32")
    answers[0], answers[1] = 0, 1
    numbers = np.where(rng.random((12, 2)) < 0.5, rng.normal(size=(12, 2)), NAN).astype("float32")
    predicted = rng.normal(size=(12, 2)).astype("float32")
    points = np.where(rng.random((12, 3, 1)) < 0.8, rng.normal(size=(12, 3, 2)), NAN).astype("float32")
    predicted_points = rng.normal(size=(12, 3, 2)).astype("float32")
    ages = np.where(rng.random((12, 1)) < 0.8, rng.uniform(0, 3, (12, 1)), NAN).astype("float32")
    low, sides = rng.random((2, 12, 2)), rng.uniform(-0.1, 0.8, (2, 12, 2))
    boxes, predicted_boxes = np.concatenate([low, low + sides], axis=-1).astype("float32")
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 0.1)
    boxes[::4] = NAN
    objects, cells = np.full((12, 3, 6), NAN, "float32"), rng.random((12, 9, 6)).astype("float32")
    objects[:, :2] = np.concatenate([*rng.uniform(0, 0.5, (1, 12, 2, 2)), np.zeros((12, 2, 4))], axis=-1)
    objects[:, :2, 2:4] = objects[:, :2, :2] + rng.uniform(0.2, 0.5, (12, 2, 2))
    objects[:, :2, 4:] = np.eye(2)[rng.integers(2, size=(12, 2))]
    objects[::4], objects[1::4] = -1, NAN
    cells[..., 2:4] = np.maximum(cells[..., 2:4], cells[..., :2] + 0.2)
    cells[:, :2, :4] = np.nan_to_num(objects[:, :2, :4])
    weights = rng.integers(0, 3, 12).astype("float32")
    factors = [0.5, 1.0, 2.0, 0.0]
    pairs = [[1.0, 2.0], [0.5, 1.0], [3.0, 0.0]]

    cases = [
        (losses.MaskedCategoricalCrossentropy(4), ids, fractions),
        (losses.MaskedCategoricalCrossentropy(4), one_hot, fractions),
        (losses.MaskedCategoricalCrossentropy(4, 0.1, factors), soft, fractions),
        (losses.MaskedOrdinalCrossentropy(4), ids.astype("float64"), fractions),
        (losses.MaskedOrdinalCrossentropy(4, factors), soft, fractions),
        (losses.MaskedBinaryCrossentropy(3), tags, answers),
        (losses.MaskedBinaryCrossentropy(3, 0.1, pairs), tags.astype("int32"), answers),
        (losses.MaskedBinaryCrossentropy(), tags[:, 0], answers[:, :1]),
        (losses.MaskedMeanSquaredError(2), numbers, predicted),
        (losses.MaskedMeanAbsoluteError(2, scale=3.0), numbers, predicted),
        (losses.MaskedHuber(2, scale=0.5), numbers, predicted),
        (losses.MaskedLabelDistributionLoss(range(4), 1.0, 0.5, 2.0), ages, fractions),
        (losses.MaskedLabelDistributionLoss([0, 0.5, 1, 3], 0.0), ages[:, 0], fractions),
        (losses.MaskedWing(2, scale=0.5), numbers, predicted),
        (losses.MaskedGeneralizedIoU(), boxes, predicted_boxes),
        (losses.MaskedGeneralizedIoU(2.5), boxes, predicted_boxes),
        (losses.MaskedScaledSquaredError([3.0, 1.0, 1.0, 1.0]), boxes, predicted_boxes),
        (losses.MaskedDetectionLoss(2), objects, cells),
        (losses.MaskedDetectionLoss(2, [1, 9], 2.5, 1.0, 0.5), objects, cells),
        (metrics.MaskedDetectionF1(2), objects, cells),
        (metrics.MaskedMeanIoU(), boxes, predicted_boxes),
        (metrics.MaskedMeanIoU([0, 2, 1, 3]), boxes, predicted_boxes),
        (metrics.MaskedIoUFraction(0.2), boxes, predicted_boxes),
        (metrics.MaskedScaledSquaredError([3.0, 1.0, 1.0, 1.0]), boxes, predicted_boxes),
        (metrics.MaskedFirstAccuracy(0.4, 4), boxes, predicted_boxes),
        (metrics.MaskedNormalizedMeanError(3, [0, 2]), points, predicted_points),
        (metrics.MaskedFailureRate(3, None, 1.5), points, predicted_points),
        (metrics.MaskedCategoricalAccuracy(4), ids, fractions),
        (metrics.MaskedCategoricalAccuracy(4), soft, fractions),
        (metrics.MaskedOrdinalAccuracy(4), ids, fractions),
        (metrics.MaskedOrdinalError(4), soft, fractions),
        (metrics.MaskedBalancedAccuracy(4), ids, fractions),
        (metrics.MaskedBalancedAccuracy(4, ordinal=True), soft, fractions),
        (metrics.MaskedMacroF1(4), ids, fractions),
        (metrics.MaskedMacroF1(4, ordinal=True), soft, fractions),
        (metrics.MaskedBinaryBalancedAccuracy(3, 0.4), tags, answers),
        (metrics.MaskedAUC(3), tags, answers),
        (metrics.MaskedBinaryAccuracy(3, 0.4), tags, answers),
        (metrics.MaskedF1(3, 0.4), tags, answers),
        (metrics.MaskedMeanAbsoluteError(2), numbers, predicted),
        (metrics.MaskedExpectationError(range(4)), ages, fractions),
    ]
    found = {}
    for number, (figure, targets, predictions) in enumerate(cases):
        name = f"{number} {type(figure).__name__}"
        if isinstance(figure, losses.MaskedLoss):
            missing = np.full_like(targets, -1 if targets.dtype.kind == "i" else NAN)
            found[name] = float(figure(targets, predictions))
            found[f"{name} weighted"] = float(figure(targets, predictions, weights))
            found[f"{name} sums"] = [float(value) for value in figure.sums(targets, predictions, weights)]
            found[f"{name} missing"] = float(figure(missing, predictions))
            found[f"{name} rows"] = np.asarray(ops.convert_to_numpy(figure.call(targets, predictions))).tolist()
        else:
            for row_weights in (None, weights):
                figure.reset_state()
                for part in (slice(0, 5), slice(5, 12)):
                    batch = None if row_weights is None else row_weights[part]
                    figure.update_state(targets[part], predictions[part], batch)
                found[name + (" weighted" if row_weights is not None else "")] = float(figure.result())
    mean = metrics.RatioOfSums(otherwise=0.0)
    found["nothing"] = float(mean.result())
    mean.add(ops.convert_to_tensor(3.0), ops.convert_to_tensor(2.0))
    found["ratio"] = float(mean.result())
    _, labelled = masking.class_targets(np.array([1, -1, 5]), 4)
    found["labelled"] = np.asarray(ops.convert_to_numpy(labelled)).astype(float).tolist()
    return found


if __name__ == "__main__":
    print(json.dumps(figures()))
