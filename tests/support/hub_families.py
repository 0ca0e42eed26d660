"""The backbones of KerasHub, each made small: a row a family, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SIZE = 32  # pixels; the smallest at which every family has a map of more than one place


def _transformer(**more: Any) -> dict[str, Any]:
    return {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, **more}


def _text(kind: str) -> dict[str, Any]:
    import keras_hub

    shared = {"vocabulary_size": 11, "embedding_dim": 16, "hidden_dim": 16, "num_layers": 1, "num_heads": 2}
    encoder = getattr(keras_hub.models, f"{kind}TextEncoder", None)
    if encoder is None:
        from importlib import import_module

        module = import_module(f"keras_hub.src.models.{kind.lower()}.{kind.lower()}_text_encoder")
        encoder = getattr(module, f"{kind}TextEncoder")
    return {"text_encoder": encoder(**shared, intermediate_dim=32, max_sequence_length=6), "projection_dim": 8}


def _vision(kind: str, size: int) -> Any:
    from importlib import import_module

    module = import_module(f"keras_hub.src.models.{kind.lower()}.{kind.lower()}_vision_encoder")
    settings = _transformer(patch_size=8, intermediate_dim=32, image_shape=(size, size, 3))
    return getattr(module, f"{kind}VisionEncoder")(**settings, name="vision_encoder")


def _two_towers(kind: str, size: int) -> Any:
    import keras_hub

    encoders = {"vision_encoder": _vision(kind, size), **_text(kind)}
    if kind == "SigLIP":
        del encoders["projection_dim"]
    return getattr(keras_hub.models, f"{kind}Backbone")(**encoders)


def _of(kind: str, **settings: Any) -> Callable[[int], Any]:
    def make(size: int) -> Any:
        import keras_hub

        shape = "input_shape" if kind == "EfficientNet" else "image_shape"
        return getattr(keras_hub.models, f"{kind}Backbone")(**{shape: (size, size, 3)}, **settings)

    return make


MOBILENET_V5: dict[str, Any] = {
    "stackwise_block_types": [["er"], ["uir", "mqa"]],
    "stackwise_num_blocks": [1, 2],
    "stackwise_num_filters": [[8], [16, 16]],
    "stackwise_strides": [[2], [2, 1]],
    "stackwise_act_layers": [["relu"], ["relu", "relu"]],
    "stackwise_exp_ratios": [[2.0], [2.0, 2.0]],
    "stackwise_se_ratios": [[0.0], [0.0, 0.0]],
    "stackwise_dw_kernel_sizes": [[0], [5, 5]],
    "stackwise_dw_start_kernel_sizes": [[0], [0, 0]],
    "stackwise_dw_end_kernel_sizes": [[0], [0, 0]],
    "stackwise_exp_kernel_sizes": [[3], [0, 0]],
    "stackwise_pw_kernel_sizes": [[1], [0, 0]],
    "stackwise_num_heads": [[0], [0, 2]],
    "stackwise_key_dims": [[0], [0, 8]],
    "stackwise_value_dims": [[0], [0, 8]],
    "stackwise_kv_strides": [[0], [0, 1]],
    "stackwise_use_cpe": [[False], [False, False]],
    "use_msfa": False,
}
HUB: dict[str, Callable[[int], Any]] = {
    "ViT": _of("ViT", patch_size=8, mlp_dim=32, dropout_rate=0.1, **_transformer()),
    "DeiT": _of("DeiT", patch_size=8, intermediate_dim=32, **_transformer()),
    "DINOV2": _of(
        "DINOV2",
        patch_size=8,
        intermediate_dim=32,
        num_register_tokens=2,
        position_embedding_shape=(48, 48, 3),
        **_transformer(),
    ),
    "DINOV3": _of("DINOV3", patch_size=8, intermediate_dim=32, num_register_tokens=4, **_transformer()),
    "SigLIP": lambda size: _two_towers("SigLIP", size),
    "CLIP": lambda size: _two_towers("CLIP", size),
    "SwinTransformer": _of("SwinTransformer", embed_dim=8, depths=[2, 1], num_heads=[1, 2], window_size=4),
    "MiT": _of(
        "MiT",
        layerwise_depths=[1, 1],
        num_layers=2,
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3],
        layerwise_strides=[4, 2],
        hidden_dims=[8, 16],
    ),
    "MobileNet": _of(
        "MobileNet",
        stackwise_expansion=[[16], [24]],
        stackwise_num_blocks=[1, 1],
        stackwise_num_filters=[[8], [16]],
        stackwise_kernel_size=[[3], [5]],
        stackwise_num_strides=[[2], [2]],
        stackwise_se_ratio=[[None], [0.25]],
        stackwise_activation=[["relu"], ["hard_swish"]],
        stackwise_padding=[[1], [2]],
        output_num_filters=32,
        input_activation="hard_swish",
        output_activation="hard_swish",
        input_num_filters=8,
        depthwise_filters=8,
        depthwise_stride=2,
        depthwise_residual=False,
        squeeze_and_excite=0.5,
        last_layer_filter=16,
    ),
    "MobileNetV5": _of("MobileNetV5", **MOBILENET_V5),
    "HGNetV2": _of(
        "HGNetV2",
        depths=[1, 2],
        embedding_size=8,
        hidden_sizes=[16, 32],
        stem_channels=[3, 8, 8],
        hidden_act="relu",
        use_learnable_affine_block=True,
        stackwise_stage_filters=[(8, 8, 16, 1, 1, 3), (16, 8, 32, 1, 2, 3)],
        apply_downsample=[False, True],
        use_lightweight_conv_block=[False, True],
    ),
    "EfficientNet": _of(
        "EfficientNet",
        stackwise_kernel_sizes=[3, 3],
        stackwise_num_repeats=[1, 1],
        stackwise_input_filters=[8, 8],
        stackwise_output_filters=[8, 16],
        stackwise_expansion_ratios=[1, 2],
        stackwise_squeeze_and_excite_ratios=[0.25, 0.25],
        stackwise_strides=[2, 2],
        stackwise_block_types=["v1", "fused"],
        stackwise_force_input_filters=[0, 0],
        stackwise_nores_option=[False, False],
        stackwise_width_coefficients=[1.0, 1.0],
        stackwise_depth_coefficients=[1.0, 1.0],
    ),
    "ResNet": _of(
        "ResNet",
        input_conv_filters=[8, 8, 64],
        input_conv_kernel_sizes=[3, 3, 3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block_vd",
    ),
    "CSPNet": _of(
        "CSPNet",
        stem_filters=8,
        stem_kernel_size=3,
        stem_strides=2,
        stackwise_depth=[1, 1],
        stackwise_strides=[2, 2],
        stackwise_num_filters=[8, 16],
        block_type="bottleneck_block",
        stage_type="csp",
        bottle_ratio=[0.5],
        block_ratio=[1.0],
        expand_ratio=[2.0],
    ),
    "DenseNet": _of("DenseNet", stackwise_num_repeats=[1, 1], growth_rate=8),
    "VGG": _of("VGG", stackwise_num_repeats=[1, 1], stackwise_num_filters=[8, 16]),
    "Xception": _of(
        "Xception",
        stackwise_conv_filters=[[8], [16, 16]],
        stackwise_pooling=[True, False],
    ),
}
"""Makers of a small backbone for images of so many pixels, by the family's name."""
