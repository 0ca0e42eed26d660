"""What networks and training are made of, loaded when a head first needs it: to read predictions back it needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlzoo.system.lazy import LazyModule

if TYPE_CHECKING:
    import keras
    from keras import layers, ops

    from mtlzoo import losses, masking, metrics
    from mtlzoo.images import boxes
else:
    keras, layers, ops = (LazyModule(name) for name in ("keras", "keras.layers", "keras.ops"))
    losses, masking, metrics = (LazyModule(f"mtlzoo.{name}") for name in ("losses", "masking", "metrics"))
    boxes = LazyModule("mtlzoo.images.boxes")

__all__ = ["boxes", "keras", "layers", "losses", "masking", "metrics", "ops"]
