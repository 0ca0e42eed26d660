"""The part of the network that turns an image into features."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import keras

from mtlzoo.backbones.fused_batch_norm import fuse_batch_norm
from mtlzoo.backbones.registry import Preprocessing
from mtlzoo.backbones.scaling import Scaling, parse_preprocessing
from mtlzoo.keras_compat import like_functional


@keras.saving.register_keras_serializable("mtlzoo")
class Backbone(keras.Model):
    """A functional model that runs in inference mode while it is frozen.

    In plain Keras, freezing a model stops its weights and its batch normalisation, but its dropout and stochastic depth
    go on in training. A frozen `Backbone` hands `training=False` to all its layers: its features are then a fixed
    function of the image and may be cached. Unfrozen, it is a plain functional model.

    Args:
        inputs: The symbolic input, as for `keras.Model`.
        outputs: The symbolic output, as for `keras.Model`.
        name: The name of the model.
        preprocessing: What pixels from 0 to 255 need before they are given to it, a mode of `preprocess` or a `Scaling`, so
            that it is not lost where the backbone is used again; `None` if that is not known.

    Attributes:
        inference_mode: Whether an unfrozen backbone too hands `training=False` to its layers: its weights are trained, and
            its batch normalisation keeps the statistics that it has. It is not saved.

    Example:

    ```python
    application = keras.applications.MobileNet(include_top=False, weights=None)
    backbone = mtl.backbones.Backbone(application.input, application.output, name=application.name, preprocessing="tf")
    backbone.trainable = False
    ```
    """

    @like_functional
    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        *,
        preprocessing: Preprocessing | Scaling | None = None,
        **kwargs: Any,
    ):
        if preprocessing is not None:
            preprocessing = parse_preprocessing(preprocessing)
        super().__init__(inputs, outputs, name=name, **kwargs)
        self.preprocessing = preprocessing
        self.inference_mode = False

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Computes the features, in inference mode if the backbone is frozen, or is to be trained in that mode."""
        learns = self.trainable and not self.inference_mode
        if learns and training:
            fuse_batch_norm(self)
        return super().call(inputs, training=training if learns else False, mask=mask)

    def get_config(self) -> dict[str, Any]:
        """The graph, and what its pixels need."""
        own = self.preprocessing
        return {**super().get_config(), "preprocessing": asdict(own) if isinstance(own, Scaling) else own}
