"""Train a model on a table, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

import keras

from mtlzoo.data import LabelTable
from mtlzoo.models import MultiTaskModel
from mtlzoo.training.recipe import Recipe, RecipeSettings
from mtlzoo.training.recipes import get_recipe
from mtlzoo.training.resuming import SAVE_EVERY
from mtlzoo.training.stages import Stage
from mtlzoo.training.tracking import Tracking
from mtlzoo.training.trainer import Trainer

if TYPE_CHECKING:
    import tensorflow as tf


class FitSettings(RecipeSettings, total=False):
    """What :func:`fit` takes besides: single settings of a recipe, what is logged with, and how often the state is saved."""

    track: Any
    save_every: float | None


def fit(
    model: MultiTaskModel,
    train: LabelTable | tf.data.Dataset,
    valid: LabelTable | tf.data.Dataset | None = None,
    stages: Stage | Sequence[Stage] | None = None,
    *,
    recipe: str | Recipe = "default",
    resume: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    on_best: Callable[[keras.Model], None] | None = None,
    verbose: bool = True,
    **settings: Unpack[FitSettings],
) -> keras.callbacks.History:
    """Train a model in stages and leave it with its best weights.

    The momentum of batch normalisation is lowered for the time of training, so that its statistics keep up with the weights
    (see :func:`mtlzoo.models.batch_norm.fitting_momentum`); a warning is given where validation loss tells that they do
    not.

    Every stage compiles the model anew and starts from the best weights so far, those of the epoch with the highest
    `val_score` (without validation rows, the last ones). Interrupting (Ctrl-C) ends training and leaves the best
    weights too.

    Args:
        model: The model; its heads learn what they need (class counts, mean and spread) from the training labels first.
        train: The training rows, read by the model's heads, or a dataset of your own, of images and dictionaries of
            labels.
        valid: The validation rows, or a dataset; needed for keeping the best model, for `on_best` and for `patience`.
        stages: What to do, in order; one stage or several. `None` takes those of the recipe, which by default warms the
            heads up for two epochs, then trains everything for ten.
        recipe: All settings: a :class:`mtlzoo.Recipe`, or the name of one of :func:`mtlzoo.list_recipes`. `stages` and
            single settings override it.
        resume: A folder for the state of training after every epoch and within long ones, which all workers see. Called
            again with the same arguments, on the same devices or on others, training goes on from there, and ends as if it
            had never been interrupted. Every image file is read once for that, so that a changed one is noticed. Datasets
            of your own and callbacks without `get_state` and `set_state` begin anew.
        callbacks: Further Keras callbacks. They see the epochs of all stages counted on, and `on_train_begin` and
            `on_train_end` once a stage.
        on_best: Called with the model whenever there is a new best one, for instance to write a file; of several workers
            the chief alone does.
        verbose: Whether to show progress.
        **settings: `track`, `save_every`, and single settings of the recipe; :class:`mtlzoo.training.Recipe` describes each.

            - `track`: what the training is logged with, in one run over all stages, which a resumed training goes on with:
              `"tensorboard"`, `"mlflow"`, `"wandb"`, a :class:`mtlzoo.Track`, the tool's own Keras callback, or a list of
              these. Or a :class:`mtlzoo.training.Tracking`, which stays open.
            - `save_every`: after how many minutes `resume` saves the state within an epoch too, 10 by default; `None` for
              after epochs alone, as it is for rows on cached features (whose epochs are short), datasets of your own,
              several devices, and networks that teach themselves.
            - `balancing`: how the heads' losses become one step; `None` by default, their sum.
            - `batch_size`: rows a step, 32 by default.
            - `augment`: how training images are varied, `"default"` by default, `None` for not at all.
            - `sample_weight`: a column of the training table with the weight of each row.
            - `cache`: where decoded images are kept: `"memory"`, a folder or an `ImageCache`.
            - `jit_compile`: whether XLA compiles the step, `"auto"` by default.
            - `seed`: what order, augmentation and dropout are drawn from, 0 by default.
            - `features`: whether a frozen backbone's features are cached: `"auto"`, a :class:`FeatureCache` or `None`.
            - `devices`: what to train on: `None`, `"all"`, the number of devices, or their names.
            - `scale_learning_rate`: whether to multiply learning rates by the number of devices.
            - `synchronize_batch_norm`: whether batch normalisation takes its mean over the rows of all devices.
            - `batch_norm`: how batch normalisation gets its statistics, `"moving"` by default.
            - `average`: the momentum of averaged weights, `None` by default.
            - `mix`: how training images and their labels are mixed, `None` by default.
            - `sampling`: which training rows are drawn more often, `None` by default.
            - `label_smoothing`: how much of each label is spread over all classes, 0.1 by default.
            - `teach`: who fills in missing labels, a :class:`mtlzoo.Teach`; `None` by default.
            - `calibrate`: whether probabilities are calibrated on the validation rows at the end, `True` by default.
            - `minutes`: how long training may take, in place of the stages' epochs.

    Returns:
        Keras' history over all stages. `history` holds a list with a value an epoch for every metric, and `stage` and
        `learning_rate` (at the start of the epoch); `best_epoch` is the epoch whose weights the model has now, counted
        from 0; `interrupted` tells whether training was.

    Raises:
        TableError: If a label or, while training, an image cannot be read, or a head has nothing to learn.
        ValueError: If there is no stage, a stage names a part that the model has not, a setting is invalid, a dataset of
            your own does not know its length, what needs validation rows has none, or there are not such devices.
        TypeError: If there is no such setting; the message lists those that there are.
        ImportError: If a tool of `track` is not installed.
        ConnectionError: If a tool of `track` opens no run. What fails later is a warning, and training goes on.
        StateError: If `resume` holds the state of a training with other arguments or other images, or a damaged one.

    Example:

    ```python
    history = mtl.fit(model, train, valid, stages=[mtl.Stage(2, 1e-3, "heads"), mtl.Stage(5, 1e-4)])
    ```
    """
    track, save_every = settings.pop("track", None), settings.pop("save_every", SAVE_EVERY)
    if save_every is not None and not save_every > 0:
        raise ValueError(f"Expected `save_every` to be a number of minutes above 0, or None, received: {save_every!r}.")
    chosen = get_recipe(recipe).with_settings(**cast(RecipeSettings, settings))
    if stages is not None:
        chosen = chosen.with_settings(stages=[stages] if isinstance(stages, Stage) else stages)
    with nullcontext(track) if isinstance(track, Tracking) else Tracking(track) as tracking:
        how: dict[str, Any] = {"resume": resume, "on_best": on_best, "verbose": verbose, "save_every": save_every}
        trainer = Trainer(model, train, valid, chosen, **how)
        trainer.callbacks = [*callbacks, *tracking.callbacks(trainer, resume)]
        return trainer.run()
