"""Depthwise convolutions of ConvNeXt, as such: written as groups of one channel they take half a minute to compile."""

from __future__ import annotations

from typing import Any

import keras
import pytest


def convolve_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute convolutions of which each channel is a group as depthwise ones, which they are.

    Such a convolution Keras has XLA compile anew at each call on a processor, to a gradient that takes the square of the
    channels.
    """
    convolve = keras.layers.Conv2D.convolution_op

    def convolution_op(layer: Any, inputs: Any, kernel: Any) -> Any:
        if not layer.groups == layer.filters == inputs.shape[-1]:
            return convolve(layer, inputs, kernel)
        return keras.ops.depthwise_conv(inputs, keras.ops.transpose(kernel, (0, 1, 3, 2)), padding=layer.padding)

    monkeypatch.setattr(keras.layers.Conv2D, "convolution_op", convolution_op)
