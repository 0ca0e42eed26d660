"""How a `MultiTaskModel` comes out of Keras' own ways to write and copy models: with its heads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from mtlzoo import balancing as methods
from mtlzoo.backbones import Backbone, to_builtin_layers
from mtlzoo.backbones.positions import settle
from mtlzoo.errors import HeadError, InputError, ModelFileError
from mtlzoo.files import writing
from mtlzoo.heads import Head, deserialize, serialize
from mtlzoo.heads.texts import shorten
from mtlzoo.keras_compat import TellsOfCopies
from mtlzoo.models import h5_file
from mtlzoo.models.calibrated import Calibration
from mtlzoo.models.low_rank import train_low_rank
from mtlzoo.models.older_keras import for_older_keras

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel

H5 = (".h5", ".hdf5")
WEIGHTS = ".weights.h5"


class SavedWithHeads(TellsOfCopies):
    """What a `MultiTaskModel` does differently from Keras when it is saved, loaded and cloned."""

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Keras' `save`.

        A `.keras` file holds all, the optimizer too, and is loaded where mtlzoo is installed. An `.h5` file holds what
        :func:`mtlzoo.saving` writes: plain layers, which Keras loads without mtlzoo and :func:`mtlzoo.load_model` with its
        heads, and no optimizer. `ModelCheckpoint` saves by this method too.

        Args:
            filepath: Where to write.
            overwrite: Whether a file that is there may be replaced.
            **kwargs: As in Keras, for `.keras` files.

        Raises:
            OutputError: If an `.h5` file is there and may not be replaced, or is a folder.
            InputError: If the suffix is none of these.
            ValueError: If a layer cannot be in an `.h5` file.
        """
        path = Path(filepath)
        if path.name.endswith(WEIGHTS):
            raise InputError(
                f"Expected a file for a whole model, received: {path.name!r}, which is what files of weights are called: "
                "call model.save_weights(path), or ModelCheckpoint(path, save_weights_only=True)."
            )
        if path.suffix in H5:
            with writing(path, overwrite=overwrite) as temporary:
                h5_file.write(to_builtin_layers(self), h5_file.describe(self), temporary)
            return
        if path.suffix != ".keras" and kwargs.get("zipped") is not False and not str(filepath).startswith("hf://"):
            raise InputError(
                f"Expected a file that ends in .keras (with the optimizer) or .h5 (without), received: {path.name!r}. For "
                "other formats: mtl.export(model, path)."
            )
        settle(self)
        super().save(filepath, overwrite=overwrite, **kwargs)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Keras' `save_weights`; a `.weights.h5` file knows the names of the heads too."""
        if not str(filepath).endswith((WEIGHTS, ".weights.json")):
            raise InputError(f"Expected a file of weights that ends in {WEIGHTS}, received: {Path(filepath).name!r}.")
        settle(self)
        super().save_weights(filepath, overwrite=overwrite, **kwargs)
        if str(filepath).endswith(WEIGHTS) and Path(filepath).is_file():
            h5_file.note_heads(Path(filepath), self.heads)

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Keras' `load_weights`.

        Raises:
            FileNotFoundError: If there is no such file.
            ModelFileError: If its weights do not fit, or are those of heads with other names: Keras finds the layers of
                such files by their order alone.
        """
        path = Path(filepath)
        if not path.exists():
            raise FileNotFoundError(f"No such file of weights: {path}.")
        names = None if skip_mismatch or kwargs else h5_file.noted_heads(path)
        if names is not None and set(names) != set(self.heads):
            raise ModelFileError(
                f"{path} holds weights of the heads {shorten(names)}, this model has {shorten(list(self.heads))}: make the "
                "model that it was written from, and give that other heads by model.with_heads(...)."
            )
        self.calibration = Calibration()  # of other weights
        try:
            super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)
        except Exception as error:  # whatever Keras stumbles over, in many lines
            raise ModelFileError(
                f"{path} does not hold weights that fit {self.name!r} ({type(error).__name__}): it is damaged, or was "
                "written from another model."
            ) from None

    def get_config(self) -> dict[str, Any]:
        """The graph, the heads, and what was fitted on validation rows."""
        config = {**for_older_keras(super().get_config()), "heads": serialize(self.heads), "resize": self.resize}
        return {**config, "calibration": self.calibration.get_config()} if self.calibration else config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> MultiTaskModel:
        """The model that `get_config` describes."""
        config = dict(config)
        heads, resize = deserialize(config.pop("heads")), config.pop("resize")
        calibration = Calibration.from_config(config.pop("calibration", {}), heads)
        # Where Keras itself writes an `.h5` file, it gives classes without the package they are registered in.
        graph = keras.Model.from_config(config, custom_objects={"Backbone": Backbone, **(custom_objects or {})})
        model = cls(graph.input, graph.output, name=graph.name, heads=heads, resize=resize)
        model.calibration = calibration
        return model

    @classmethod
    def from_plain(
        cls,
        graph: keras.Model,
        heads: Mapping[str, Head],
        resize: str = "stretch",
        calibration: Calibration | None = None,
    ) -> MultiTaskModel:
        """The model around a plain functional graph with one nested model, as exported files hold it; layers are shared."""
        (nested,) = [layer for layer in graph.layers if isinstance(layer, keras.Model)]
        backbone = Backbone(nested.inputs[0], nested.outputs[0], name=nested.name)
        graph = keras.models.clone_model(
            graph, input_tensors=graph.input, clone_function=lambda layer: backbone if layer is nested else layer
        )
        model = cls(graph.input, graph.output, name=graph.name, heads=heads, resize=resize)
        model.calibration = calibration or Calibration()
        return model

    def get_compile_config(self) -> dict[str, Any]:
        """The optimizer and how steps are run; losses come from the heads, and XLA depends on the machine that loads."""
        if not self.compiled:
            return {}
        if not self.optimizer.built:  # else its file would hold fewer variables than the optimizer that is made of it
            with self.variable_scope():
                self.optimizer.build(self.trainable_variables)
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "balancing": None if self.balancer is None else methods.serialize(self.balancer.balancing),
            "label_smoothing": self.label_smoothing,
            "low_rank": self.low_rank,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` tells, and make the optimizer's variables, which Keras then restores."""
        optimizer = keras.saving.deserialize_keras_object(config["optimizer"])
        settings = {**config, "optimizer": optimizer}
        rank = settings.pop("low_rank", None)
        self.compile(**settings)
        if rank is None:
            self.optimizer.build(self.trainable_variables)
        else:
            train_low_rank(self, rank)

    def mark_outputs(self, outputs: Any) -> None:
        """Note heads and resizing on the outputs of which `clone_model` makes a new model of this class."""
        for output in outputs.values() if isinstance(outputs, Mapping) else ():
            if isinstance(output, keras.KerasTensor):
                output._mtlzoo_heads = (self.heads, self.resize)


def heads_of_outputs(outputs: Any) -> tuple[Mapping[str, Head], str]:
    """Heads and resizing of the model that these outputs were cloned from.

    Raises:
        HeadError: If they are those of no `MultiTaskModel`.
    """
    for output in outputs.values() if isinstance(outputs, Mapping) else ():
        found = getattr(output, "_mtlzoo_heads", None)
        if found is not None:
            return found
    raise HeadError("Expected `heads`, a dictionary from each output's name to its head, received none.")
