"""All settings of a training that belong together, and the named ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypedDict, Unpack

from mtlzoo.balancing import Balancing, get_balancing
from mtlzoo.data.mixing import Mixing, mixing
from mtlzoo.data.sampling import check_sampling
from mtlzoo.images.augmentation import Augmentation, augmentation
from mtlzoo.images.caching import ImageCache
from mtlzoo.training.devices import check_devices
from mtlzoo.training.feature_cache import FeatureCache, feature_cache
from mtlzoo.training.recipe_config import as_text, settings_of, to_config
from mtlzoo.training.stages import DEFAULT_STAGES, Stage
from mtlzoo.training.teach import Teach, teaching

BATCH_NORMS = ("moving", "fresh", "frozen")


class RecipeSettings(TypedDict, total=False):
    """The settings of a :class:`Recipe` that `mtl.fit` takes one by one; the recipe says what they mean."""

    balancing: str | Balancing | None
    batch_size: int
    augment: str | Augmentation | None
    sample_weight: str | None
    cache: str | Path | ImageCache | None
    jit_compile: bool | str
    seed: int
    features: str | FeatureCache | None
    devices: str | int | Sequence[str] | None
    scale_learning_rate: bool
    synchronize_batch_norm: bool
    batch_norm: str
    average: float | None
    minutes: float | None
    mix: str | Mixing | None
    sampling: str | None
    label_smoothing: float
    teach: Teach | None
    calibrate: bool


class StagedSettings(RecipeSettings, total=False):
    """All settings of a :class:`Recipe`."""

    stages: Sequence[Stage]


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        stages: What to do, in order; kept as a tuple. The default warms the heads up for two epochs, then trains
            everything for twenty.
        balancing: How the heads' losses become one step, a name from :func:`mtlzoo.list_balancing` or a method; it goes
            on from stage to stage. See `MultiTaskModel.compile`.
        batch_size: Rows a step, for tables.
        augment: How training images are varied, for tables: `"default"` flips, turns, zooms and brightens; `None` for not
            at all.
        sample_weight: A column of the training table with the weight of each row.
        cache: Where decoded images are kept, for tables: `"memory"`, a folder, or an :class:`ImageCache`; by default they
            are decoded in every epoch. Augmentation follows either way.
        jit_compile: Whether XLA compiles the step. `"auto"` is Keras' choice: on a GPU and on JAX, not on a CPU, where it
            made TensorFlow's steps of MobileNet eight times slower.
        seed: What order, augmentation and dropout are drawn from: the same seed and the same weights to begin with give
            the same numbers, on a CPU to the last bit. Python's, numpy's and Keras' own generators are seeded too.
        features: Where a stage trains the heads alone, the frozen backbone need see each image only once. `"auto"`
            does so, for tables, wherever that makes no difference: without augmentation, and if there is room in memory.
            A :class:`FeatureCache` caches augmented views too, or in a folder; `None` never does, nor do several devices.
        devices: What to train on: `None` for the one device that Keras takes by itself; `"all"`, of this machine or of all
            workers that the environment variable `TF_CONFIG` names; the number of devices, or their names. `batch_size`
            rows are divided evenly among them, and losses, metrics and weights are what one device would have found.
            Batch normalisation alone, which box and detection heads have too, sees the rows of its own device unless it is
            synchronised, and those that fill up a last batch that does not divide.
        scale_learning_rate: Whether to multiply learning rates by the number of devices, for larger batches (Goyal et al.
            2017).
        synchronize_batch_norm: Whether batch normalisation takes its mean over the rows of all devices. On JAX it does
            anyway.
        batch_norm: What batch normalisation of the trained part of the backbone does: `"moving"`, its moving statistics
            keep up with the weights (see :func:`mtlzoo.models.batch_norm.fitting_momentum`); `"fresh"`, they are computed
            anew over training images before each validation; `"frozen"`, they stay what they are, and scale and offset
            alone are trained.
        average: The momentum of an average of the weights over steps, below 1, which is validated, kept and exported in
            place of the last ones; its statistics are computed anew. `None` for no average.
        minutes: How long training may take, in place of the stages' numbers of epochs: a few steps are measured, and every
            stage that trains more than the heads gets its part of the time. `None` for the epochs as they are.
        mix: How training images of a batch and their labels are mixed, for tables: `"mixup"`, `"cutmix"`, `"both"`
            or a :class:`mtlzoo.data.Mixing`; `None` for not at all. Features of mixed images are not cached.
        sampling: Which training rows are drawn more often, of as many an epoch, for tables: `"repeat_factor"` or
            `"balanced"` for those with rare labels, see :func:`mtlzoo.data.sampling.sampling_weights`; `None` for each once.
        label_smoothing: How much of each label is spread over all classes, in `[0, 1)`, for softmax heads
            (`ClassificationHead`) that have none of their own; see `MultiTaskModel.compile`.
        teach: Who fills in missing labels, for tables: a :class:`mtlzoo.Teach`; `None` for nobody.
        calibrate: Whether probabilities are made worth what they say, on the validation rows, once training is over: the
            last layer of each head is divided by a temperature, see :func:`mtlzoo.calibrate`. Predictions stay the same,
            validation losses are no longer those of the history.

    Raises:
        ValueError: If there is no stage, or a setting is invalid.
        TypeError: If what stands for the stages or for the balancing method is none.

    Example:

    ```python
    recipe = mtl.training.Recipe(stages=[mtl.Stage(2, 1e-3, "heads"), mtl.Stage(1, 1e-4)], batch_size=16)
    mtl.fit(model, train, valid, recipe=recipe)
    ```
    """

    stages: Sequence[Stage] = DEFAULT_STAGES
    balancing: str | Balancing | None = None
    batch_size: int = 32
    augment: str | Augmentation | None = "default"
    sample_weight: str | None = None
    cache: str | Path | ImageCache | None = None
    jit_compile: bool | str = "auto"
    seed: int = 0
    features: str | FeatureCache | None = "auto"
    devices: str | int | Sequence[str] | None = None
    scale_learning_rate: bool = False
    synchronize_batch_norm: bool = False
    batch_norm: str = "moving"
    average: float | None = None
    minutes: float | None = None
    mix: str | Mixing | None = None
    sampling: str | None = None
    label_smoothing: float = 0.1
    teach: Teach | None = None
    calibrate: bool = True

    def __post_init__(self) -> None:
        given: Any = self.stages
        if isinstance(given, Recipe | str) or not isinstance(given, Stage | Iterable):
            hint = ". A recipe is passed as `recipe=`" if isinstance(given, Recipe | str) else ""
            raise TypeError(f"Expected `stages` to be stages such as mtl.Stage(5, 1e-4), received: {given!r}{hint}.")
        stages = (given,) if isinstance(given, Stage) else tuple(given)
        object.__setattr__(self, "stages", stages)
        if not stages:
            raise ValueError("Expected at least one stage, received none.")
        for stage in stages:
            if not isinstance(stage, Stage):
                raise TypeError(f"Expected `stages` to be stages such as mtl.Stage(5, 1e-4), received: {stage!r}.")
        get_balancing(self.balancing)
        _check_whole_number("batch_size", self.batch_size, least=1)
        augmentation(self.augment)
        mixing(self.mix)
        check_sampling(self.sampling)
        if self.jit_compile not in (True, False, "auto"):
            raise ValueError(f'Expected `jit_compile` to be True, False or "auto", received: {self.jit_compile!r}.')
        _check_whole_number("seed", self.seed, least=0)
        feature_cache(self.features)
        check_devices(self.devices)
        if self.batch_norm not in BATCH_NORMS:
            raise ValueError(
                f"Expected `batch_norm` to be one of {', '.join(BATCH_NORMS)}, received: {self.batch_norm!r}."
            )
        average = self.average
        if average is not None and not (isinstance(average, Real) and 0 < average < 1):
            raise ValueError(f"Expected `average` to be None or a momentum above 0 and below 1, received: {average!r}.")
        smoothing = self.label_smoothing
        if not (isinstance(smoothing, Real) and not isinstance(smoothing, bool) and 0 <= smoothing < 1):
            raise ValueError(f"Expected `label_smoothing` to be at least 0 and below 1, received: {smoothing!r}.")
        if teaching(self.teach) is not None and self.mix is not None:
            raise ValueError("Expected no `mix` beside `teach`: a teacher's labels are those of whole images.")
        if self.teach is not None and self.teach.unlabelled is not None and self.sampling == "balanced":
            raise ValueError('Expected no sampling="balanced" beside images without labels, which it never draws.')
        minutes = self.minutes
        if minutes is not None and not (
            isinstance(minutes, Real) and not isinstance(minutes, bool) and 0 < minutes < inf
        ):
            raise ValueError(f"Expected `minutes` to be None or a number above 0, received: {minutes!r}.")
        if not isinstance(self.calibrate, bool):
            raise ValueError(f"Expected `calibrate` to be True or False, received: {self.calibrate!r}.")

    @property
    def teaches_itself(self) -> bool:
        """Whether the network is its own teacher."""
        return self.teach is not None and not self.teach.teachers

    @property
    def averaging_momentum(self) -> float | None:
        """The momentum of an average of the weights, for validation or for teaching; `None` for no average."""
        if self.average is None and self.teach is not None and self.teaches_itself:
            return self.teach.momentum
        return self.average

    def with_settings(self, **settings: Unpack[StagedSettings]) -> Recipe:
        """The same recipe with other settings.

        Args:
            **settings: New values by the names of the attributes.

        Raises:
            TypeError: If there is no such setting; the message lists those that there are.
            ValueError: If a setting is invalid.

        Example:

        ```python
        recipe = mtl.training.Recipe(batch_size=8).with_settings(seed=1)
        ```
        """
        known = [field.name for field in fields(self)]
        if unknown := [name for name in settings if name not in known]:
            raise TypeError(f"Expected settings of a recipe ({', '.join(known)}), received: {', '.join(unknown)}.")
        return replace(self, **settings)

    def get_config(self) -> dict[str, Any]:
        """All settings as plain JSON values, for a file beside the model that was trained so.

        Example:

        ```python
        import json

        text = json.dumps(mtl.training.Recipe(batch_size=8).get_config())
        recipe = mtl.training.Recipe.from_config(json.loads(text))
        ```
        """
        return to_config(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Recipe:
        """The recipe that :meth:`get_config` wrote.

        Args:
            config: Settings by name; those that are left out have their defaults.

        Raises:
            TypeError: If there is no such setting.
            ValueError: If a setting is invalid.
        """
        known = {field.name for field in fields(cls)}
        if unknown := config.keys() - known:
            raise TypeError(f"Expected settings of a recipe ({', '.join(known)}), received: {', '.join(unknown)}.")
        return cls(**settings_of(config))

    def __str__(self) -> str:
        """A line a stage, and those settings that are not the usual ones."""
        return as_text(self, Recipe())


def _check_whole_number(name: str, value: Any, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"Expected `{name}` to be a whole number of at least {least}, received: {value!r}.")
