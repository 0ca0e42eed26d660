"""Old spellings of public arguments keep working, with a warning."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.system.deprecation import renamed_arguments


def test_the_cut_of_a_backbone_is_its_feature_layer():
    with pytest.warns(DeprecationWarning, match="`cut` is called `feature_layer`") as caught:
        model = mtl.build("mobilenet", {"kind": 2}, (32, 32, 3), weights=None, alpha=0.25, cut="conv_pw_2_relu")
    assert caught[0].filename == __file__
    new = mtl.build("mobilenet", {"kind": 2}, (32, 32, 3), weights=None, alpha=0.25, feature_layer="conv_pw_2_relu")
    assert model.count_params() == new.count_params()
    with pytest.warns(DeprecationWarning, match="feature_layer"):
        mtl.MobileNet({"kind": 2}, (32, 32, 3), weights=None, alpha=0.25, cut="conv_pw_2_relu")


def test_the_numbers_of_a_detection_head_have_standard_names():
    with pytest.warns(DeprecationWarning, match="max_objects|score_threshold|nms_iou_threshold"):
        head = mtl.DetectionHead(["cup"], most=3, threshold=0.2, overlap=0.7)
    assert head == mtl.DetectionHead(["cup"], max_objects=3, score_threshold=0.2, nms_iou_threshold=0.7)
    config = head.get_config()
    for old, new in (("most", "max_objects"), ("threshold", "score_threshold"), ("overlap", "nms_iou_threshold")):
        config[old] = config.pop(new)
    assert mtl.DetectionHead.from_config(config) == head  # an old file's, which is nobody's fault: without a warning


def test_shares_of_a_split_are_fractions():
    table = mtl.data.LabelTable(
        pd.DataFrame({"image": ["a", "b"], "kind": ["x", "y"]}), {"kind": mtl.BinaryHead(["x", "y"])}
    )
    with pytest.warns(DeprecationWarning, match="`shares` is called `fractions`"):
        assert [len(part) for part in mtl.data.split(table, shares=[0.5, 0.5], identical=False)] == [1, 1]


def test_the_placement_of_images_is_their_geometry(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 16, 3), "uint8"))
    frame = pd.DataFrame({"image": ["a.png"] * 2, "kind": ["x", "y"]})
    table = mtl.data.LabelTable(frame, {"kind": mtl.BinaryHead(["x", "y"])}, root=tmp_path)
    geometry = ImageGeometry.empty(2, (8, 8))
    with pytest.warns(DeprecationWarning, match="`placement` is called `geometry`"):
        list(mtl.data.image_dataset(table, (8, 8), placement=geometry))
    assert geometry.sizes.tolist() == [[8, 16]] * 2
    model = mtl.build("mobilenet", table.heads, (32, 32, 3), weights=None, alpha=0.25)
    outputs = {"kind": np.array([[0.2], [0.8]])}
    with pytest.warns(DeprecationWarning, match="geometry"):
        report = mtl.evaluate(model, table, predictions=outputs, placement=geometry)
    assert report["accuracy"]["kind"] == 1
    with pytest.warns(DeprecationWarning, match="geometry"):
        mtl.evaluation.evaluate_groups(model, table, "kind", predictions=outputs, placement=geometry)


def test_both_names_at_once_are_one_too_many():
    @renamed_arguments(old="new")
    def function(new: int) -> int:
        return new

    with (
        pytest.warns(DeprecationWarning, match="`old` is called `new`"),
        pytest.raises(TypeError, match="both 'old' and 'new'"),
    ):
        function(old=1, new=2)
