"""How cached features are kept: in memory or in a folder, and how many bytes they may take."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from mtlzoo.system.memory import free_memory


@dataclass(frozen=True)
class FeatureCache:
    """How the features of a frozen backbone are kept while a stage trains the heads alone.

    Attributes:
        views: How many augmented views of the training images are drawn; epoch e, counted from 0, sees view e modulo so
            many. With as many views as epochs, training is that without a cache; with fewer it sees less variety. `None`
            caches only where there is no augmentation.
        folder: Where features are kept as files, for further trainings too, and read from there as they are needed. They
            are found by a checksum over the network up to the cut, its weights, the bytes of every image and how they
            are read, so that those of another network or of other images are never used. Each process checks every byte
            of what it finds before it is used; what is damaged or incomplete is computed again in its place.
            `None` keeps them in memory, for one stage.
        limit: How many bytes the features of a stage may take; by default a quarter of the memory, or of the folder's disk,
            that is free. Features that would take more are not cached.

    Raises:
        ValueError: If there is not at least one view, or the limit is negative.

    Example:

    ```python
    stages = [mtl.Stage(8, 1e-3, "heads")]  # each view is seen twice
    mtl.fit(model, train, valid, stages, features=mtl.FeatureCache(views=4, folder="features"))
    ```
    """

    views: int | None = None
    folder: str | os.PathLike[str] | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.views is not None and (not isinstance(self.views, int) or self.views < 1):
            raise ValueError(f"Expected `views` to be a positive whole number or None, received: {self.views!r}.")
        if self.limit is not None and not self.limit >= 0:
            raise ValueError(f"Expected `limit` to be a number of bytes or None, received: {self.limit!r}.")

    def free_bytes(self) -> int:
        """How many bytes features may take."""
        if self.limit is not None:
            return int(self.limit)
        if self.folder is None:
            return free_memory() // 4
        existing = next(path for path in (Path(self.folder).absolute() / "x").parents if path.exists())
        return shutil.disk_usage(existing).free // 4


def feature_cache(features: str | FeatureCache | None) -> FeatureCache | None:
    """The settings that an argument stands for; `None` for never.

    Raises:
        ValueError: If it is no such argument.
    """
    if features is None or isinstance(features, FeatureCache):
        return features
    if features != "auto":
        raise ValueError(f'Expected `features` to be "auto", None or a FeatureCache, received: {features!r}.')
    return FeatureCache()
