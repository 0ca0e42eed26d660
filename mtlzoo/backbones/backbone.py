"""The part of the network that turns an image into features."""

from __future__ import annotations

from typing import Any

import keras


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

    Example:

    ```python
    application = keras.applications.MobileNet(include_top=False, weights=None)
    backbone = mtl.backbones.Backbone(application.input, application.output, name=application.name)
    backbone.trainable = False
    ```
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Computes the features, in inference mode if the backbone is frozen."""
        return super().call(inputs, training=training if self.trainable else False, mask=mask)
