"""Cached features: training with them is training without, they are never stale, and their size is bounded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from asked import usually
from drawings import draw_table
from eager import eager_steps
from short_training import StopBeforeSteps

import mtlzoo as mtl
from mtlzoo.data import LabelTable, image_dataset, split
from mtlzoo.data.pipeline import PipelineSettings, build_pipeline
from mtlzoo.errors import OutputError
from mtlzoo.models import MultiTaskModel, build
from mtlzoo.models.splitting import split as split_model
from mtlzoo.training import FeatureCache, Stage, fit
from mtlzoo.training import features as module

QUICK = {"batch_size": 12, "augment": None, "verbose": False}
HEADS = Stage(3, 2e-2, "heads")
# One step an epoch, for what does not depend on how many there are.
SHORT = Stage(2, 2e-2, "heads", optimizer="sgd", batch_size=36)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> list[LabelTable]:
    """Classes, numbers and points that move with the pixels, a third of each missing, and weights."""
    table = draw_table(tmp_path_factory.mktemp("features"), rows=48)
    rng = np.random.default_rng(1)
    points = [rng.uniform(2, 18, (2, 2)).round(2).tolist() if row % 3 else None for row in range(len(table))]
    frame = table.frame.assign(points=points)
    heads = {name: table.heads[name] for name in ("color", "level")}
    heads["points"] = mtl.LandmarkHead(["left", "right"], format="xy")
    return split(LabelTable(frame, heads, table.root, "drawn.csv", 2), [0.75, 0.25])


def only(tables: list[LabelTable], *names: str) -> list[LabelTable]:
    """The same rows with these heads alone."""
    return [table.with_heads({name: table.heads[name] for name in names}) for table in tables]


def make(tables: list[LabelTable], backbone: keras.Model, **arguments) -> MultiTaskModel:
    keras.utils.set_random_seed(7)
    return build(
        backbone,
        tables[0].heads,
        (16, 16, 3),
        weights=None,
        preprocessing="none",
        **{"dropout": 0.5, **arguments},
    )


@pytest.fixture
def looks(monkeypatch) -> list[int]:
    """The number of images that the backbone is shown for the cache, each time."""
    counted = []
    compute = module._compute

    def count(trunk, table, settings, values, show):
        counted.append(len(values) * len(table))
        return compute(trunk, table, settings, values, show)

    monkeypatch.setattr(module, "_compute", count)
    return counted


def prepare(model: MultiTaskModel, tables: list, stage: Stage = HEADS, **arguments) -> keras.callbacks.History:
    """Everything up to the first step; features are cached before."""
    return fit(model, *tables, stage, callbacks=[StopBeforeSteps()], **{**QUICK, **arguments})


def assert_same(trained: tuple, other: tuple, atol: float = 1e-5) -> None:
    """The same weights and the same history."""
    (model, history), (other_model, other_history) = trained, other
    for weight, other_weight in zip(model.get_weights(), other_model.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other_weight, atol=atol)
    assert history.epoch == other_history.epoch
    assert history.best_epoch == other_history.best_epoch
    assert list(history.history) == list(other_history.history)
    for name, figures in history.history.items():
        np.testing.assert_allclose(figures, other_history.history[name], rtol=1e-4, atol=atol, err_msg=name)


# === The same as without ===


@pytest.fixture
def twice(tables, tiny_backbone):
    """Trains the same network with cached features and without, with all heads or some."""

    def twice(features, stages=HEADS, callbacks=lambda: (), heads=tuple(tables[0].heads), **arguments) -> list[tuple]:
        start, runs, rows = tiny_backbone.get_weights(), [], only(tables, *heads)
        for how in (features, None):
            tiny_backbone.set_weights(start)
            model = make(rows, tiny_backbone)
            given = {**QUICK, "callbacks": callbacks(), **arguments}
            runs.append((model, fit(model, *rows, stages, features=how, **given)))
        return runs

    return twice


def test_by_default_training_is_the_same_with_dropout_missing_labels_and_weights(twice, looks):
    """A later stage that trains everything goes on from the same place."""
    stages = [Stage(3, 2e-2, "heads", batch_size=10), Stage(1, 1e-2, "all")]
    cached, plain = twice("auto", stages, sample_weight="weight")
    assert_same(cached, plain)
    assert looks == [36, 12]
    assert np.ptp(cached[1].history["loss"]) > 0.01


@pytest.mark.parametrize("balancing", usually(["uncertainty"], ["uncertainty", "dwa"]))
def test_balancing_learns_the_same(twice, balancing):
    """Stages share what is learned, by the optimizer or by epochs."""
    stages = [Stage(3, 2e-2, "heads", optimizer="sgd"), Stage(1, 1e-2, "all", optimizer="sgd")]
    heads = ("color", "level")
    (cached, history), (plain, plain_history) = twice("auto", stages, heads=heads, balancing=balancing)
    assert_same((cached, history), (plain, plain_history))
    learned = [np.array(value) for value in cached.balancer.state.kept.values()]
    assert not all(np.isin(value, [0, 1]).all() for value in learned)


def test_without_validation_rows(tables, tiny_backbone, looks, eagerly):
    runs, (train, _) = [], only(tables, "color")
    for how in ("auto", None):
        network = make([train], tiny_backbone)
        runs.append((network, fit(network, train, stages=SHORT, features=how, **QUICK)))
    assert_same(*runs)
    assert looks == [36]


def test_as_many_views_as_epochs_are_training_with_augmentation(twice, looks, tmp_path, eagerly):
    """Points move with the pixels of each view."""
    stage = Stage(3, 2e-2, "heads", batch_size=18)
    cached, plain = twice(FeatureCache(views=3, folder=tmp_path), stage, heads=("points",), augment="strong")
    assert_same(cached, plain)
    assert looks == [108, 12]


def test_fewer_views_come_again(twice, looks, eagerly):
    """The first two of four epochs are those without a cache, the others are not."""
    stage = Stage(4, 2e-2, "heads", batch_size=18)
    cached, plain = twice(FeatureCache(views=2), stage, heads=("points",), augment="default")
    figures, others = cached[1].history["points_loss"], plain[1].history["points_loss"]
    np.testing.assert_allclose(figures[:2], others[:2], rtol=1e-4)
    assert abs(figures[2] - others[2]) > 1e-4
    assert looks == [72, 12]


def test_how_many_images_are_looked_at_at_a_time_changes_nothing(tables, tiny_backbone, monkeypatch):
    trunk = split_model(make(tables, tiny_backbone)).trunk
    settings = PipelineSettings((16, 16), batch_size=5, augment="default", shuffle=True, seed=3)
    at_once = module.get_features(trunk, tables[0], settings, 2, None, "")
    monkeypatch.setattr(module, "PIXELS_AT_A_TIME", 7 * 16 * 16)
    few = module.get_features(trunk, tables[0], settings, 2, None, "")
    np.testing.assert_allclose(at_once.values, few.values, atol=1e-5)
    assert np.abs(at_once.values[0] - at_once.values[1]).max() > 1e-2
    for one, other in zip(at_once.placements, few.placements):
        np.testing.assert_array_equal(one.matrices, other.matrices)


def test_rows_keep_their_labels_when_a_view_comes_again(tables, tiny_backbone):
    """Each epoch has an order of its own; a row's features, points and weight go together."""
    trunk = keras.Model(tiny_backbone.input, tiny_backbone.get_layer("conv_pw_1").output)
    images = keras.Input((16, 16, 3))
    trunk = keras.Model(images, trunk(images))
    settings = PipelineSettings((16, 16), 8, augment="default", shuffle=True, seed=3, sample_weight="weight")
    values = module.get_features(trunk, tables[0], settings, 2, None, "")
    dataset = module.feature_dataset(tables[0], values, settings)
    plain = build_pipeline(tables[0], settings)
    assert dataset.cardinality() == plain.cardinality() == 5

    def epoch(batches, look) -> set[tuple]:
        rows = [
            (look(images), labels["points"].numpy(), weights.numpy()[:, None]) for images, labels, weights in batches
        ]
        parts = [np.concatenate([part.reshape(len(part), -1) for part in row], axis=1) for row in rows]
        return np.concatenate(parts).astype("float64")

    ours = [epoch(dataset, np.asarray) for _ in range(3)]
    theirs = [epoch(plain, lambda images: np.asarray(trunk(images))) for _ in range(3)]
    for view in range(2):
        np.testing.assert_allclose(ours[view], theirs[view], atol=1e-4)
    assert not np.allclose(ours[2], ours[0], equal_nan=True)
    by_row = [rows[np.lexsort(rows[:, :40].T.round(3))] for rows in (ours[0], ours[2])]
    np.testing.assert_allclose(by_row[0], by_row[1], atol=1e-6)


# === What callbacks see and do ===


class Witness(keras.callbacks.Callback):
    """Notes what it is given, and saves as `ModelCheckpoint` does."""

    def __init__(self):
        super().__init__()
        self.models, self.steps, self.batches = [], [], 0

    def on_train_begin(self, logs=None):
        self.models.append(self.model)

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        assert "color_accuracy" in logs

    def on_epoch_end(self, epoch, logs=None):
        self.models.append(self.model)
        self.steps.append(self.params["steps"])


def test_callbacks_see_the_whole_model_and_files_hold_it(tables, tiny_backbone, tmp_path, looks):
    model, witness = make(tables, tiny_backbone), Witness()
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "val_score", save_best_only=True)
    bests = []

    def on_best(best):
        bests.append(best)
        mtl.export(best, tmp_path / "best.h5", overwrite=True)

    history = fit(model, *tables, HEADS, callbacks=[witness, checkpoint], on_best=on_best, calibrate=False, **QUICK)
    assert looks == [36, 12]
    assert all(seen is model for seen in [*witness.models, *bests])
    assert witness.steps == [3, 3, 3]
    assert witness.batches == 9
    assert len(bests) >= 1
    images = next(iter(image_dataset(tables[1], (16, 16), 12, labels=False)))
    expected = model.predict_on_batch(images)
    assert history.best_epoch == int(np.argmax(history.history["val_score"]))
    for loaded in (mtl.load_model(tmp_path / "best.h5"), keras.models.load_model(tmp_path / "best.keras")):
        for name, answers in loaded.predict_on_batch(images).items():
            np.testing.assert_allclose(answers, expected[name], atol=1e-5)


class Steer(keras.callbacks.Callback):
    """Changes the learning rate as `ReduceLROnPlateau` does, what a head weighs, and stops as `TerminateOnNaN` does."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.model.optimizer.learning_rate = 1e-2 / (1 + 3 * epoch)

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (2, 1):
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self.model.set_loss_factor("color", 0.1 * (epoch + 1))


@pytest.mark.long
def test_callbacks_steer_the_training(twice):
    stage = Stage(5, 2e-2, "heads", schedule="constant", optimizer="sgd")
    cached, plain = twice("auto", stage, callbacks=lambda: [Steer()], heads=("color", "level"))
    assert_same(cached, plain)
    history = cached[1].history
    assert cached[1].epoch == [0, 1, 2]
    np.testing.assert_allclose(history["learning_rate"], [1e-2, 1e-2 / 4, 1e-2 / 7], rtol=1e-5)  # what was trained with
    for epoch, factor in enumerate((1, 0.1, 0.2)):
        total = factor * history["color_loss"][epoch] + history["level_loss"][epoch]
        assert history["loss"][epoch] == pytest.approx(total, rel=1e-4)


def test_patience_ends_the_stage(twice, eagerly):
    stage = Stage(8, 1e-12, "heads", patience=2, batch_size=36)
    cached, plain = twice("auto", stage, heads=("color",))
    assert_same(cached, plain)
    assert len(cached[1].epoch) == cached[1].best_epoch + 3 < 8


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_an_interruption_leaves_the_best_weights(twice, eagerly):
    stage = Stage(3, 2e-2, "heads", batch_size=18)
    cached, plain = twice("auto", stage, callbacks=lambda: [Interrupt()], heads=("color",))
    assert_same(cached, plain)
    assert cached[1].interrupted
    assert cached[1].epoch == [0, 1]


def test_an_interruption_while_features_are_computed(tables, tiny_backbone, monkeypatch, tmp_path):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_compute", interrupt)
    model = make(tables, tiny_backbone)
    history = fit(model, *tables, HEADS, features=FeatureCache(folder=tmp_path), **QUICK)
    assert history.interrupted
    assert history.epoch == []
    assert list(tmp_path.iterdir()) == []


class Spoil(keras.callbacks.Callback):
    """Puts other weights into the frozen backbone."""

    def on_train_begin(self, logs=None):
        layer = self.model.backbone.get_layer("conv_pw_12")
        layer.set_weights([weight + 1 for weight in layer.get_weights()])


def test_features_of_a_backbone_that_a_callback_changed_are_not_used(tables, tiny_backbone):
    with pytest.raises(ValueError, match="Expected the frozen backbone to stay as it was"):
        fit(make(tables, tiny_backbone), *tables, HEADS, callbacks=[Spoil()], **QUICK)


# === Where it would not be the same ===


def test_what_moves_or_is_drawn_is_not_cached(tables, tiny_backbone, looks):
    model, heads = make(tables, tiny_backbone), Stage(2, 1e-3, "heads")
    datasets = [image_dataset(table, (16, 16), 12) for table in tables]
    for rows, stage, arguments in (
        (tables, Stage(2, 1e-3, "all"), {}),
        (tables, Stage(2, 1e-3, 1), {}),
        (tables, Stage(1, 1e-3, "heads"), {"augment": "default"}),
        (tables, heads, {"features": FeatureCache(views=5), "augment": "default"}),
        (tables, heads, {"features": None}),
        (tables, Stage(1, 1e-3, "heads"), {}),
        (datasets, heads, {}),
    ):
        assert prepare(model, rows, stage, **arguments).interrupted
        assert looks == []
    prepare(model, tables, heads)
    assert looks == [36, 12]


@pytest.mark.parametrize("between", ["dense", "noise", "penalty", "nothing"])
def test_a_trunk_with_more_than_a_frozen_backbone(tables, tiny_backbone, looks, between):
    """Layers of the user's own between the backbone and all heads."""
    whole = make(tables, tiny_backbone, dropout=0)
    images = keras.Input((16, 16, 3))
    features = whole.backbone(images)
    if between == "dense":
        features = keras.layers.Dense(8)(features)
    if between == "noise":
        features = keras.layers.GaussianNoise(0.1)(features)
    if between == "penalty":
        features = keras.layers.Activation("relu", activity_regularizer="l2")(features)
    heads = {name: head for name, head in tables[0].heads.items() if not head.spatial}
    features = keras.layers.GlobalAveragePooling2D()(features)
    outputs = {name: head.build_layers(features, name) for name, head in heads.items()}
    prepare(MultiTaskModel(images, outputs, heads=heads), tables)
    assert bool(looks) == (between == "nothing")


# === Files ===


def copy_files(tables: list[LabelTable], folder: Path) -> list[LabelTable]:
    shutil.copytree(tables[0].root, folder)
    return [LabelTable(table.frame, table.heads, folder, "drawn.csv", 2) for table in tables]


def test_features_are_found_again_and_only_those_of_this_network_and_these_images(
    tables, tiny_backbone, looks, tmp_path, eagerly
):
    moved = copy_files(tables, tmp_path / "images")
    cache = FeatureCache(folder=tmp_path / "cache")

    def trained(features: FeatureCache | None) -> tuple[MultiTaskModel, keras.callbacks.History]:
        model = make(tables, tiny_backbone)
        return model, fit(model, *moved, SHORT, features=features, **QUICK)

    def computed(model=None, given=moved, stage=HEADS, **arguments) -> list[int]:
        looks.clear()
        prepare(model or make(tables, tiny_backbone), given, stage, features=cache, **arguments)
        return list(looks)

    first = trained(cache)
    assert looks == [36, 12]
    looks.clear()
    again = trained(cache)
    assert looks == []
    assert_same(first, again, atol=0)

    # The same images under other names, another order of rows, other labels and weights: these are not in the features.
    elsewhere = copy_files(tables, tmp_path / "elsewhere")
    elsewhere[0] = LabelTable(
        elsewhere[0].frame.assign(color=["red", "blue", "green"] * 12), elsewhere[0].heads, elsewhere[0].root
    )
    assert computed(given=elsewhere) == []
    assert computed(sample_weight="weight", batch_size=7, seed=5, stage=Stage(2, 1e-3, "heads")) == []

    # Another image.
    path = moved[0].paths()[0]
    image = cv2.imread(path)
    image[3, 3] += 9
    cv2.imwrite(path, image)
    assert computed() == [36]

    # Another way to read them.
    assert computed(make(tables, tiny_backbone, resize="crop")) == [36, 12]

    # Other preprocessing, another cut, other weights.
    changed = build(tiny_backbone, tables[0].heads, (16, 16, 3), weights=None, preprocessing="tf", dropout=0.5)
    assert computed(changed) == [36, 12]
    assert computed(make(tables, tiny_backbone, feature_layer="conv_pw_11_relu")) == [36, 12]
    kernel = tiny_backbone.get_layer("conv_pw_12").kernel
    kernel.assign(kernel + 1e-3)
    looks.clear()
    stale = trained(cache)
    assert looks == [36, 12]
    assert_same(stale, trained(None))


def test_regions_and_rows_belong_to_the_checksum(tables, tiny_backbone, looks, tmp_path):
    cache, model = FeatureCache(folder=tmp_path), make(tables, tiny_backbone)
    regions = [(0.0, 0.0, 12.0, 12.0 + row % 3) for row in range(len(tables[0]))]
    cut = LabelTable(tables[0].frame.assign(region=regions), tables[0].heads, tables[0].root)
    for table in (tables[0], cut, tables[0].take(np.arange(36)[::-1]), tables[0]):
        prepare(model, [table, tables[1]], features=cache)
    assert looks == [36, 12, 36, 36]


def damage(entry: Path, how: str) -> None:
    features, matrices = entry / "features.npy", entry / "matrices.npy"
    content = features.read_bytes()
    if how == "bit":
        features.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    elif how == "cut":
        features.write_bytes(content[:-8])
    elif how == "matrices":
        changed = bytearray(matrices.read_bytes())
        changed[-1] ^= 1
        matrices.write_bytes(changed)
    elif how == "missing":
        features.unlink()
    elif how == "no checksums":
        (entry / "digests.json").unlink()
    elif how == "empty":
        (entry / "digests.json").write_bytes(b"")


Trained = tuple[MultiTaskModel, keras.callbacks.History]


@pytest.fixture(scope="module")
def filled(tables, tmp_path_factory) -> Callable[[keras.Model, Path], tuple[Callable[..., Trained], Trained]]:
    """Copies a folder of cached features; gives what trains with such a folder, and what came out when it was filled."""
    original, rows, first = tmp_path_factory.mktemp("filled"), only(tables, "color", "points"), []

    def train(backbone: keras.Model, folder: Path, *callbacks: keras.callbacks.Callback) -> Trained:
        model, cache = make(rows, backbone), FeatureCache(folder=folder)
        with eager_steps():
            return model, fit(model, *rows, SHORT, features=cache, callbacks=callbacks, **QUICK)

    def copy(backbone: keras.Model, folder: Path) -> tuple[Callable[..., Trained], Trained]:
        if not first:
            first.append(train(backbone, original))
        shutil.copytree(original, folder)
        return train, first[0]

    return copy


@pytest.mark.parametrize("how", usually(["bit"], ["bit", "cut", "matrices", "missing", "no checksums", "empty"]))
def test_damaged_features_are_computed_again(filled, tiny_backbone, looks, tmp_path, how):
    """Those that have been used before in this process, too."""
    folder = tmp_path / "cache"
    train, expected = filled(tiny_backbone, folder)
    looks.clear()
    train(tiny_backbone, folder, StopBeforeSteps())
    assert looks == []
    entries = list(folder.iterdir())
    assert len(entries) == 2
    for entry in entries:
        damage(entry, how)
    with pytest.warns(RuntimeWarning, match="computed again"):
        assert_same(expected, train(tiny_backbone, folder), atol=0)
    assert looks == [36, 12]
    looks.clear()
    assert_same(expected, train(tiny_backbone, folder), atol=0)
    assert looks == []


@pytest.mark.parametrize("what", ["a file", "a folder with something else in it"])
def test_what_is_no_cached_features_is_left_alone(tables, tiny_backbone, tmp_path, what):
    cache = FeatureCache(folder=tmp_path)
    prepare(make(tables, tiny_backbone), tables, features=cache)
    entry = next(tmp_path.iterdir())
    if what == "a file":
        shutil.rmtree(entry)
        entry.write_text("mine")
        mine = entry
    else:
        (entry / "digests.json").unlink()
        mine = entry / "mine.txt"
        mine.write_text("mine")
    others = [path for path in tmp_path.iterdir() if path != entry]
    for other in others:
        shutil.rmtree(other)
    with pytest.warns(RuntimeWarning, match="computed again"), pytest.raises(OutputError, match="left as it is"):
        fit(make(tables, tiny_backbone), *tables, HEADS, features=cache, **QUICK)
    assert mine.read_text() == "mine"


# === Size ===


def test_the_size_is_told_beforehand_and_bounded(tables, tiny_backbone, looks, capsys):
    """Spatial heads see the map: 2 x 2 x 16 numbers of 4 bytes for each of 48 images."""
    size = 48 * 2 * 2 * 16 * 4
    for limit, seen in ((size, [36, 12]), (size - 1, [])):
        looks.clear()
        model = make(tables, tiny_backbone)
        prepare(model, tables, features=FeatureCache(limit=limit), verbose=True)
        assert looks == seen
        told, title, *_ = capsys.readouterr().out.splitlines()
        assert title == "Stage 1 of 1: heads, learning rate 0.02"
        assert told == (
            "Features of 48 images are computed once (12.3 kB) and used in all 3 epochs"
            if seen
            else "Features of 48 images would take 12.3 kB, more than the 12.3 kB that they may: they are computed anew "
            "in every epoch"
        )


def test_without_a_limit_a_quarter_of_what_is_free_is_the_limit(tmp_path, monkeypatch):
    assert FeatureCache(limit=0).free_bytes() == 0
    assert 2**20 < FeatureCache().free_bytes() < 2**46
    disk = shutil.disk_usage(tmp_path).free / 4
    assert FeatureCache(folder=tmp_path / "not" / "there").free_bytes() == pytest.approx(disk, rel=0.2)


# === Refusals ===


def test_wrong_arguments_are_refused(tables, tiny_backbone):
    for wrong in ({"views": 0}, {"views": 1.5}):
        with pytest.raises(ValueError, match="Expected `views` to be a positive whole number or None, received: "):
            FeatureCache(**wrong)
    with pytest.raises(ValueError, match="Expected `limit` to be a number of bytes or None, received: -1"):
        FeatureCache(limit=-1)
    with pytest.raises(ValueError, match='Expected `features` to be "auto", None or a FeatureCache, received: True'):
        fit(make(tables, tiny_backbone), *tables, HEADS, features=True, **QUICK)


def test_a_image_that_cannot_be_read_is_named(tables, tiny_backbone, tmp_path):
    moved = copy_files(tables, tmp_path / "images")
    Path(moved[0].paths()[4]).write_bytes(b"nothing")
    for cache in ("auto", FeatureCache(folder=tmp_path / "cache")):
        with pytest.raises(mtl.data.TableError, match=r"^drawn.csv, line \d+ \(\d+.png\): not an image"):
            fit(make(tables, tiny_backbone), *moved, HEADS, features=cache, **QUICK)
    assert list((tmp_path / "cache").iterdir()) == []
