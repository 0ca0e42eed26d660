"""The trainer: stage by stage, each from the best weights so far."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.data.pipeline import PipelineSettings
from mtlzoo.images.caching import image_cache
from mtlzoo.models import Calibration, MultiTaskModel
from mtlzoo.models.batch_norm import keeping_up
from mtlzoo.models.low_rank import rank_of, train_low_rank
from mtlzoo.models.multitask import check_model
from mtlzoo.models.resizing import at_size
from mtlzoo.models.seeds import reseed
from mtlzoo.system.pipeline_errors import plain_errors
from mtlzoo.training.arguments import training_arguments
from mtlzoo.training.averaging import AveragedWeights, LiveWeights, averaging_over
from mtlzoo.training.begin_teaching import begin_teaching
from mtlzoo.training.budget import Deadline, describe_plan, measure_steps, plan_stages
from mtlzoo.training.calibrating import calibrate_on, describe_temperatures
from mtlzoo.training.callbacks import BestModel, Patience, Progress
from mtlzoo.training.devices import copy_weights, find_devices
from mtlzoo.training.epochs import train_epochs
from mtlzoo.training.feature_cache import feature_cache
from mtlzoo.training.feature_training import FitInputs, train_on_features
from mtlzoo.training.recipe import Recipe
from mtlzoo.training.resuming import SAVE_EVERY, TrainingState
from mtlzoo.training.rows import Rows, bind_tables, count_steps
from mtlzoo.training.self_teaching import SelfTeaching
from mtlzoo.training.stage_log import Additions, StageLog
from mtlzoo.training.stage_plan import StagePlan
from mtlzoo.training.stages import Stage
from mtlzoo.training.statistics_lag import StatisticsLag
from mtlzoo.training.teaching import TeacherLabels
from mtlzoo.training.updates import plan_updates, shape_updates

if TYPE_CHECKING:
    import tensorflow as tf


class Trainer:
    """Trains a model by a recipe and leaves it with its best weights; :func:`mtlzoo.fit` makes one and runs it.

    Args:
        model: The model.
        train: The training rows, or a dataset of images and dictionaries of labels.
        valid: The validation rows, or a dataset; `None` for none.
        recipe: All settings.
        resume: A folder for the state of training after every epoch; `None` for none.
        callbacks: Further Keras callbacks.
        on_best: Called with the model whenever there is a new best one.
        verbose: Whether to show progress.
        save_every: After how many minutes the state is saved within an epoch; `None` for after epochs alone.

    Attributes:
        stages: The stages of the recipe, with the learning rates for these devices.
        devices: What is trained on.
        settings: How rows become batches, as far as it is the same for training and validation.
        trained: The model that is trained: the given one, or on several devices a copy.
        history: Keras' history over all stages.

    Raises:
        TypeError: If the model has no heads.
        ValueError: If a stage names a part that the model has not, what needs validation rows has none, or there are not
            such devices.

    Example:

    ```python
    recipe = mtl.training.Recipe(stages=[mtl.Stage(1, 1e-3)], batch_size=16)
    trainer = mtl.training.Trainer(model, train, valid, recipe)
    history = trainer.run()
    ```
    """

    def __init__(
        self,
        model: MultiTaskModel,
        train: LabelTable | tf.data.Dataset,
        valid: LabelTable | tf.data.Dataset | None,
        recipe: Recipe,
        *,
        resume: str | Path | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        on_best: Callable[[keras.Model], None] | None = None,
        verbose: bool = True,
        save_every: float | None = SAVE_EVERY,
    ):
        check_model(model)
        self.model, self.train, self.valid, self.recipe = model, train, valid, recipe
        self.resume, self.callbacks, self.verbose, self.save_every = resume, callbacks, verbose, save_every
        self.stages: tuple[Stage, ...] = tuple(recipe.stages)
        self._check_stages(on_best)
        self.devices = find_devices(recipe.devices, synchronize_batch_norm=recipe.synchronize_batch_norm)
        if recipe.scale_learning_rate:
            factor = self.devices.replicas
            self.stages = tuple(replace(stage, learning_rate=stage.learning_rate * factor) for stage in self.stages)
        if self.devices.replicas > 1 and any(stage.image_size or rank_of(stage.trainable) for stage in self.stages):
            raise ValueError("Expected one device for stages with an `image_size` or with lora, received several.")
        self.features = feature_cache(recipe.features) if self.devices.replicas == 1 else None
        if self.devices.replicas > 1 and recipe.teaches_itself:
            raise ValueError("Expected one device for a network that teaches itself, received several.")
        self.settings = PipelineSettings(
            image_size=model.input_shape[1:3],
            batch_size=recipe.batch_size,
            resize=model.resize,
            channels=model.input_shape[3],
            cache=image_cache(recipe.cache),  # one for all stages
            shard=self.devices.shard,
        )
        self.trained = model
        self.best = None if valid is None else BestModel("val_score", self._when_best(on_best))
        self.history = keras.callbacks.History()
        self.history.epoch, self.history.interrupted = [], False
        self.state: TrainingState | None = None
        self.teacher: TeacherLabels | None = None
        self.validation: tf.data.Dataset | None = None

    # === The training ===

    def run(self) -> keras.callbacks.History:
        """Train all stages; interrupting (Ctrl-C) ends the training and leaves the best weights too.

        Returns:
            The history, see :func:`mtlzoo.fit`.

        Raises:
            TableError: If a label or an image cannot be read, or a head has nothing to learn.
            ValueError: If a dataset does not know its length.
            StateError: If the state to go on from is of another training, or damaged.
        """
        self._until = time.monotonic() + 60 * (self.recipe.minutes or 0.0)
        reseed(self.model, self.recipe.seed)
        self.model.calibration = Calibration()
        self._prepare()
        self._plan_time()
        for number, stage in enumerate(self.stages, start=1):
            if self.state is not None and number < self.state.stage:
                continue  # done before the interruption
            self.run_stage(number, stage)
            if self.history.interrupted:
                break
        return self._finish()

    def run_stage(self, number: int, stage: Stage) -> None:
        """Train one stage, from the best weights so far or from where it was interrupted.

        Args:
            number: The number of the stage, from 1.
            stage: What is done.
        """
        self._resize(stage)
        plan = self._plan(number, stage)
        rows = Rows(self.train, self._training_settings(plan))
        dataset = rows.dataset()
        steps = count_steps(dataset)
        self._compile(stage, stage.epochs * steps)
        averaging = self._averaging(plan)
        over = self._enter(plan)
        progress = Progress(self._title(plan), sum(stage.epochs for stage in self.stages), self.best)
        try:
            if not over:
                with plain_errors(), self.devices.training(), keeping_up(self.trained, steps):
                    inputs = self._fit_inputs(plan, rows, dataset, self._callbacks(plan, progress, averaging))
                    train_epochs(plan, inputs, rows)
        except KeyboardInterrupt:
            self.history.interrupted = True
        finally:
            progress.close()
            self.model.backbone.inference_mode = self.trained.backbone.inference_mode = False
        if averaging is not None:
            averaging.swap_in(self.trained) if self.best is None else averaging.swap_out()
        if self.best is not None:
            self.best.restore(self.trained)
        copy_weights(self.trained, self.model)

    # === Before the first stage ===

    def _check_stages(self, on_best: Callable[[keras.Model], None] | None) -> None:
        """Find what is wrong before anything is trained: a wrong name should not come to light after hours."""
        if self.valid is None and (on_best is not None or any(stage.patience for stage in self.stages)):
            raise ValueError("Expected validation rows, which `on_best` and `patience` need, received none.")
        own = self.model.input_shape[1:3]
        for stage in self.stages:
            self.model.set_trainable(stage.trainable)
            at_size(self.model, stage.size(own))
        if self.stages[-1].size(own) != own:
            raise ValueError(
                f"Expected the last stage to see images of the model's own size, {own[0]} x {own[1]} pixels, received "
                f"image_size={self.stages[-1].image_size}: what comes out is used at that size."
            )

    def _when_best(self, on_best: Callable[[keras.Model], None] | None) -> Callable[[MultiTaskModel], None] | None:
        """What is called when the model, or the copy that is trained of it, is the best so far."""
        if on_best is None or not self.devices.chief:
            return None

        def call(trained: MultiTaskModel) -> None:
            copy_weights(trained, self.model)
            with self.devices.local_scope():
                on_best(self.model)

        return call

    def _prepare(self) -> None:
        """Bind the tables to the model's heads, bring the model to the devices, and read the state to go on from."""
        self.train, self.valid = bind_tables(self.model, self.train, self.valid, self.recipe)
        self._prepare_validation()
        if self.recipe.teach is not None:
            folder, show = self.features.folder if self.features else None, self.verbose and self.devices.chief
            rows = self.train, self.valid
            self.teacher = begin_teaching(self.recipe.teach, self.model, rows, self.settings, folder, show)
        self.trained = self.devices.replicate(self.model)
        if self.resume is not None:
            given = {"train": self.train, "valid": self.valid}
            tables = {name: rows for name, rows in given.items() if isinstance(rows, LabelTable)}
            recipe = replace(self.recipe, stages=self.stages, features=self.features)  # as these devices follow it
            arguments = training_arguments(self.model, self.train, self.valid, recipe)
            chief = self.devices.chief
            self.state = TrainingState(self.resume, arguments, self.history, self.best, self.callbacks, chief, tables)

    def _prepare_validation(self) -> None:
        if self.valid is not None:
            rows = Rows(self.valid, self.settings)
            self.validation = self.devices.distribute(rows.dataset(), rows.table is not None)

    def _resize(self, stage: Stage) -> None:
        """Train and validate on images of the stage's size from here on."""
        size = stage.size(self.model.input_shape[1:3])
        if size == self.settings.image_size:
            return
        self.trained = at_size(self.model, size)
        self.settings = replace(self.settings, image_size=size)
        self._prepare_validation()
        if self.best is not None:
            self.best.begin_again()

    def _plan_time(self) -> None:
        """Give the stages as many epochs as fit into the recipe's minutes, or as an interrupted training has planned."""
        if self.recipe.minutes is None:
            return
        if self.state is not None and self.state.plan:
            self.stages = tuple(replace(stage, epochs=count) for stage, count in zip(self.stages, self.state.plan))
            return
        plan = self._plan(len(self.stages), self.stages[-1])
        rows = Rows(self.train, self._training_settings(plan))
        batches = count_steps(rows.dataset()), 0 if self.validation is None else count_steps(self.validation)
        if self.recipe.teaches_itself:  # it predicts all rows once an epoch, and the validation rows once more
            batches = batches[0], batches[0] + 2 * batches[1]
        self._compile(plan.stage, batches[0])
        with plain_errors(), self.devices.training():
            costs = measure_steps(
                self.trained, lambda: self.devices.distribute(rows.dataset(), rows.table is not None), self.validation
            )
        own = self.model.input_shape[1:3]
        areas = [math.prod(stage.size(own)) / math.prod(own) for stage in self.stages]
        stages, total = plan_stages(self.stages, costs, batches, self._until - time.monotonic(), areas)
        self.stages = tuple(stages)
        if self.state is not None:
            self.state.plan = [stage.epochs for stage in stages]
        if self.verbose and self.devices.chief:
            print(describe_plan(self.recipe.minutes, costs, stages, total), flush=True)
        reseed(self.model, self.recipe.seed)

    # === One stage ===

    def _plan(self, number: int, stage: Stage) -> StagePlan:
        epochs = len(self.history.epoch)
        if self.state is not None and number == self.state.stage:
            done = epochs - self.state.start
            return StagePlan(stage, number, self.state.start, done, self.state.batches, resumed=True)
        return StagePlan(stage, number, epochs)

    def _training_settings(self, plan: StagePlan) -> PipelineSettings:
        return replace(
            self.settings,
            batch_size=plan.stage.batch_size or self.recipe.batch_size,
            augment=self.recipe.augment,
            shuffle=True,
            # Each stage draws its own order and augmentations.
            seed=int(np.random.SeedSequence([self.recipe.seed, plan.number]).generate_state(1)[0]),
            sample_weight=self.recipe.sample_weight,
            mix=self.recipe.mix,
            sampling=self.recipe.sampling,
            taught=self.teacher.rows if self.teacher is not None else None,
            first_epoch=plan.epochs_done,
        )

    def _compile(self, stage: Stage, steps: int) -> None:
        """Make the model, and the copy that is trained of it, ready for a stage of so many steps."""
        for model in dict.fromkeys((self.model, self.trained)):
            with self.devices.scope() if model is self.trained else nullcontext():
                model.set_trainable(stage.trainable)
                recipe = self.recipe
                model.backbone.inference_mode = recipe.batch_norm == "frozen"
                optimizer = stage.make_optimizer(steps, recipe.averaging_momentum)
                how: dict[str, Any] = {"label_smoothing": recipe.label_smoothing, "jit_compile": recipe.jit_compile}
                model.compile(optimizer, recipe.balancing, **how)
                if rank := rank_of(stage.trainable):
                    train_low_rank(model, rank, recipe.seed)
                if (stage.layer_decay, stage.weight_decay) != (1.0, 0.0):
                    shape_updates(optimizer, functools.partial(plan_updates, model, stage))
        copy_weights(self.model, self.trained)
        self.devices.broadcast_weights(self.trained)

    def _enter(self, plan: StagePlan) -> bool:
        """Bring the model to where an interrupted stage was, and tell whether that stage is over."""
        if self.state is None:
            return False
        if plan.resumed:
            with self.devices.scope():
                self.state.restore(self.trained)
            if self.state.over:
                return True
        self.state.begin(plan.number, plan.first_epoch, plan.stage.epochs)
        return False

    def _title(self, plan: StagePlan) -> str:
        stage = plan.stage
        return f"Stage {plan.number} of {len(self.stages)}: {stage.trainable}, learning rate {stage.learning_rate:g}"

    def _averaging(self, plan: StagePlan) -> AveragedWeights | None:
        """What puts averaged weights and new statistics in place for validation, if the recipe has either."""
        averaged, moving = self.recipe.average is not None, self.recipe.batch_norm != "frozen"
        if not averaged and self.recipe.batch_norm != "fresh":
            return None
        return averaging_over(Rows(self.train, self._training_settings(plan)), moving, averaged)

    def _self_teaching(self, plan: StagePlan) -> list[keras.callbacks.Callback]:
        """What fills in labels at the start of each epoch, if the network teaches itself."""
        if self.teacher is None or not self.recipe.teaches_itself:
            return []
        rows = Rows(self.train, self._training_settings(plan))
        averaging = averaging_over(rows, self.recipe.batch_norm != "frozen", few=True)
        return [SelfTeaching(self.teacher, averaging, self.settings, plan.first_epoch, trained=plan.number > 1)]

    def _callbacks(
        self, plan: StagePlan, progress: Progress, averaging: AveragedWeights | None
    ) -> list[keras.callbacks.Callback]:
        """All callbacks in their order: the log comes before whatever reads it, the state after all that it saves."""
        log, best, patience = StageLog(self.history, plan.number), self.best, plan.stage.patience
        if self.state is not None:
            self.state.log = log
        return [
            log,
            *self._self_teaching(plan),
            *([averaging] if averaging else []),
            *([best] if best else []),
            *self.callbacks,
            Additions(log),
            *([Patience(best, patience)] if best and patience else []),
            *([Deadline(self._until, 6 * self.recipe.minutes)] if self.recipe.minutes else []),
            *([StatisticsLag(self.validation)] if best and self.devices.replicas == 1 else []),
            *([LiveWeights(averaging)] if averaging else []),
            *([self.state] if self.state else []),
            *([progress] if self.verbose and self.devices.chief else []),
        ]

    def _fit_inputs(
        self, plan: StagePlan, rows: Rows, dataset: tf.data.Dataset, callbacks: list[keras.callbacks.Callback]
    ) -> FitInputs:
        """The model and its batches: those of images, or of cached features, which train the same."""
        batches = self.devices.distribute(dataset, rows.table is not None)
        inputs = FitInputs(self.trained, batches, self.validation, callbacks)
        all_rows = [rows] if self.valid is None else [rows, Rows(self.valid, self.settings)]
        features = None if plan.batches_done else self.features  # what began on images goes on with them
        inputs = train_on_features(inputs, plan.stage, all_rows, features, self.verbose)
        if self.state is not None:
            own = inputs.model is self.trained and rows.table is not None  # epochs on features are short
            again = own and self.devices.replicas == 1 and not self.recipe.teaches_itself  # the same batches can be had
            self.state.save_every = self.save_every if again else None
        return inputs

    # === After the last stage ===

    def _finish(self) -> keras.callbacks.History:
        history = self.history
        history.set_model(self.model)
        history.best_epoch = self.best.best_epoch if self.best is not None else None
        if history.best_epoch is None and history.epoch:
            history.best_epoch = history.epoch[-1]
        if self.recipe.calibrate and self.valid is not None and history.epoch:
            rows = Rows(self.valid, replace(self.settings, shard=None))  # all of them, on each worker
            with plain_errors(), self.devices.local_scope():
                temperatures = calibrate_on(self.model, rows.dataset())
            if self.verbose and self.devices.chief and temperatures:
                print(describe_temperatures(temperatures), flush=True)
        return history
