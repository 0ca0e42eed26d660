"""What a teacher's predictions stand for, and what a temperature does to them."""

from __future__ import annotations

import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.images.geometry import ImageGeometry

GEOMETRY = ImageGeometry.whole([(100, 200)], (50, 50))


def taught(head, predictions):
    return head.taught(np.asarray(predictions, "float32"), GEOMETRY)


def test_classes_and_tags_are_taught_as_probabilities():
    np.testing.assert_allclose(taught(mtl.ClassificationHead(2), [[0.3, 0.7]]), [[0.3, 0.7]])
    np.testing.assert_allclose(taught(mtl.BinaryHead(), [[0.3]]), [0.3])
    np.testing.assert_allclose(taught(mtl.MultiLabelHead(["hood", "zip"]), [[0.3, 0.9]]), [[0.3, 0.9]])


def test_numbers_are_taught_as_numbers():
    np.testing.assert_allclose(taught(mtl.RegressionHead(), [[4.0]]), [[4.0]])
    np.testing.assert_allclose(taught(mtl.ExpectationHead((0, 2)), [[0.0, 0.5, 0.5]]), [[1.5]])


def test_points_outside_of_their_image_are_not_taught():
    points = taught(mtl.LandmarkHead(2, format="xy"), [[[10.0, 20.0], [250.0, 20.0]]])
    np.testing.assert_allclose(points, [[[10, 20], [np.nan, np.nan]]])
    points = taught(mtl.LandmarkHead(2, format="rel_xy"), [[[-0.1, 0.2], [0.5, 0.2]]])
    np.testing.assert_allclose(points, [[[np.nan, np.nan], [0.5, 0.2]]])


def test_the_first_of_five_numbers_becomes_the_shape():
    assert taught(mtl.DualTaskHead(), [[200.0, 1, 2, 3, 4]]).tolist() == [[1, 1, 2, 3, 4]]


@pytest.mark.parametrize("head", [mtl.BoxHead(), mtl.DualTaskHead(), mtl.LandmarkHead(2)], ids=repr)
def test_places_of_no_rows_are_no_rows(head):
    """From which pipelines read shapes."""
    nothing = head.taught(np.zeros((0, *head.output_shape()), "float32"), ImageGeometry.empty(0, (1, 1)))
    assert head.to_input_space(nothing, ImageGeometry.empty(0, (1, 1))).shape == nothing.shape


def test_objects_cannot_be_taught():
    assert [kind.__name__ for kind in vars(mtl.heads).values() if _is_a_kind(kind) and not _can_be_taught(kind)] == [
        "DetectionHead"
    ]


def _is_a_kind(kind):
    return (
        isinstance(kind, type)
        and issubclass(kind, mtl.Head)
        and kind.__name__.endswith("Head")
        and kind is not mtl.Head
    )


def _can_be_taught(kind):
    return kind.taught is not mtl.Head.taught


@pytest.mark.parametrize(
    ("head", "probabilities"),
    [
        (mtl.ClassificationHead(3), [[0.2, 0.5, 0.3]]),
        (mtl.OrdinalHead(3), [[0.2, 0.5, 0.3]]),
        (mtl.BinaryHead(), [[0.2]]),
        (mtl.MultiLabelHead(["hood", "zip"]), [[0.2, 0.9]]),
    ],
)
def test_a_temperature_divides_logits_and_keeps_the_prediction(head, probabilities):
    given = np.asarray(probabilities, "float32")
    np.testing.assert_allclose(head.at_temperature(given, 1.0), given, rtol=1e-6)
    warm = head.at_temperature(given, 3.0)
    np.testing.assert_allclose(head.at_temperature(warm, 1 / 3), given, rtol=1e-5)
    assert warm.dtype == np.float32
    assert warm.std() < given.std() or given.size == 1
    assert head.decode(warm)["answer"][0] == head.decode(given)["answer"][0]


def test_certain_probabilities_stay_numbers_at_any_temperature():
    for temperature in (0.01, 1.0, 100.0):
        assert np.isfinite(mtl.ClassificationHead(2).at_temperature(np.array([[0.0, 1.0]]), temperature)).all()
        assert np.isfinite(mtl.BinaryHead().at_temperature(np.array([[0.0], [1.0]]), temperature)).all()
