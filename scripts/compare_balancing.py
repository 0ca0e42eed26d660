"""Does balancing help? Every method of `mtl.list_balancing()` beside the plain sum, on three drawn data sets.

    python scripts/compare_balancing.py OUT

The sets are clothes (FashionAI's layout: eight heads, one label an image), faces (UTKFace's: age, gender, ethnicity) and
scenes (a shape and its box). Each is drawn once and split once. The first layers of MobileNet 0.25 (ImageNet weights,
frozen, 96 pixels) turn the images into feature maps that are kept in memory, without augmentation; what is trained is a
small residual network on them, shared by all heads, from random weights. Within a seed all methods have the same initial
weights, the same order of the rows and the same number of steps of Adam, whose learning rate falls to zero along half a
cosine; judged are the weights after the last epoch, on test rows.

Two things are tuned, on validation rows and with a seed of their own, once for each set: the learning rate, for the plain
sum, which all methods then take over (one whose steps have another size might prefer another; Adam makes the size of a
gradient mostly indifferent); and the fixed weights of "static, tuned", the best of some draws between 1/3 and 3 and of
all ones. These are the two baselines of the recent criticism: Kurin et al. (2022, arXiv:2201.04122) found the plain sum
hard to beat, Xin et al. (2022, arXiv:2209.11379) one with well-tuned fixed weights. All other arguments are the methods'
defaults.

`OUT` gets `runs.csv`, a row a run and head; `tuning.csv`; `table.csv`, which is printed as markdown too; and
`balancing.png`. A run that stands in `runs.csv` is not repeated, so that the script can be stopped and started at will;
seeds come one after the other, so that it can be read early.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
from comparison.figures import PLAIN, TUNED, changes, plot_comparison, summary, to_markdown

from mtlzoo.balancing import GramianBalancing, LossWeighting, Variable, get_balancing, list_balancing
from mtlzoo.balancing.weighting.base import weighted_sum
from mtlzoo.files import check_folder

SETS = ("clothes", "faces", "scenes")
RATES = (1e-3, 3e-3, 1e-2, 3e-2)
TUNING_SEED = 1000
COLUMNS = ["set", "method", "seed", "head", "metric", "mode", "value", "score", "cpu_seconds"]
BATCH = 64
CHANNELS = 32
CUT = "conv_pw_6_relu"
GRAMIAN = "all that need the Gramian only"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="default: all; the plain sum is always there")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=2000, help="to train and to tune on; half as many to test on")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--pixels", type=int, default=96)
    parser.add_argument("--draws", type=int, default=12, help="of fixed weights, for the tuned ones")
    options = parser.parse_args()
    known = methods()
    if wrong := sorted(set(options.methods or ()) - set(known)):
        parser.error(f"no such method: {', '.join(wrong)}; there are: {', '.join(known)}")
    chosen = [name for name in known if name == PLAIN or not options.methods or name in options.methods]
    check_settings(options, parser)

    path = options.out / "runs.csv"
    benches = [Bench(name, options) for name in options.sets]
    for seed in range(options.seeds):
        for bench in benches:
            rate, weights = bench.tune(options)
            for method in chosen:
                if is_done(read(path, COLUMNS), bench.name, method, seed, len(bench.heads)):
                    continue
                seconds = bench.train(method, seed, rate, weights)
                rows = bench.figures(method, "test")
                rows = rows.assign(set=bench.name, method=method, seed=seed, cpu_seconds=round(seconds, 2))
                append(path, rows[COLUMNS])
                figures = f"{seconds:.1f} s, mean score {rows['score'].mean():.3f}"
                print(f"seed {seed}  {bench.name:8} {method:20} {figures}", file=sys.stderr, flush=True)
    report(read(path, COLUMNS), chosen, options)


def methods() -> dict[str, Any]:
    """What `compile` is given, by the name in the table."""
    others = [name for name in list_balancing() if name not in ("equal", "static")]
    return {PLAIN: None, TUNED: Weights(), **{name: get_balancing(name) for name in others}}


def check_settings(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """One folder holds runs that can be compared."""
    path = options.out / "settings.json"
    settings = {name: getattr(options, name) for name in ("images", "epochs", "pixels", "draws")}
    check_folder(options.out, overwrite=path.is_file())
    options.out.mkdir(parents=True, exist_ok=True)
    if path.is_file() and (earlier := json.loads(path.read_text())) != settings:
        parser.error(f"{options.out} holds runs with other settings ({earlier}): take another folder")
    path.write_text(json.dumps(settings))


# === Data ===


def load(name: str, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """The heads of a set, and the arrays of its three parts."""
    import mtlzoo as mtl

    folder, tests = options.out / name, options.images // 2
    new = not folder.is_dir()
    if name == "clothes":
        if new:
            mtl.data.make_fashionai(folder, images=options.images, tests=tests, seed=0, progress=True)
        table, test = mtl.data.read_fashionai(folder), mtl.data.read_fashionai(folder, part="answer")
    elif name == "faces":
        if new:
            mtl.data.make_faces(folder, images=options.images + tests, seed=0, progress=True)
        table, test = mtl.data.split_by_content(mtl.data.read_utkface(folder), [2 / 3, 1 / 3])
    else:
        if new:
            mtl.data.make_shapes(folder, images=options.images, tests=tests, seed=0, progress=True)
        table, test = mtl.data.read_shapes(folder), mtl.data.read_shapes(folder, "test")
        heads = {key: head for key, head in table.heads.items() if key in ("shape", "box")}
        table, test = table.with_heads(heads), test.with_heads(heads)
    train, valid = mtl.data.split(table, [0.8, 0.2], seed=0)
    parts = {"train": train, "valid": valid, "test": test}
    extractor = first_layers(options.pixels)
    return train.heads, {key: arrays(part, extractor) for key, part in parts.items()}


def arrays(table: Any, extractor: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The feature maps of all images of a table, and their labels as the network takes them."""
    import mtlzoo as mtl

    batches = list(mtl.data.image_dataset(table, extractor.input_shape[1:3], 100).as_numpy_iterator())
    labels = {name: np.concatenate([batch[1][name] for batch in batches]) for name in batches[0][1]}
    return np.concatenate([extractor.predict_on_batch(images) for images, _ in batches]), labels


def first_layers(pixels: int) -> Any:
    """What turns images into feature maps."""
    import keras

    from mtlzoo import backbones

    backbone, mode = backbones.create_backbone(
        "mobilenet", (pixels, pixels, 3), "imagenet", feature_layer=CUT, alpha=0.25
    )
    images = keras.Input((pixels, pixels, 3))
    return keras.Model(images, backbone(backbones.preprocess(images, mode), training=False))


# === Training ===


class Bench:
    """The networks of one set: one for each method, built and compiled once, and one that judges them all."""

    def __init__(self, name: str, options: argparse.Namespace):
        self.name, self.epochs = name, options.epochs
        self.heads, self.parts = load(name, options)
        self.models: dict[str, Any] = {}
        self.starts: dict[int, list[list[np.ndarray]]] = {}
        self.judge = self.build()
        self.judge.compile("adam")

    def build(self, seed: int = 0) -> Any:
        """A network with the initial weights of a seed."""
        import keras

        import mtlzoo as mtl

        features, labels = self.parts["train"]
        keras.utils.set_random_seed(seed)
        model = mtl.build(shared_layers(features.shape[1:]), self.heads, features.shape[1:])
        model.adapt(labels)
        return model

    def train(self, method: str, seed: int, rate: float, weights: dict[str, float]) -> float:
        """Train the method's network from the start; returns the CPU seconds of the epochs after the first."""
        import keras
        import tensorflow as tf

        balancing = methods()[method]
        key, model = self.key(method), self.models.get(self.key(method))
        if model is None:
            model = self.models[key] = self.build()
            model.compile(keras.optimizers.Adam(rate), balancing=StandIn() if key == GRAMIAN else balancing)
            model.optimizer.build(model.trainable_variables)
            count_losses_only(model)
            model.initial = [keras.ops.convert_to_numpy(value) for value in _variables(model)]
        if seed not in self.starts:
            self.starts[seed] = [layer.get_weights() for layer in _layers(self.build(seed))]
        for variable, value in zip(_variables(model), model.initial, strict=True):
            variable.assign(value)
        for layer, start in zip(_layers(model), self.starts[seed], strict=True):
            layer.set_weights(start)
        for number, variable in enumerate(v for v in model.variables if v.path.endswith("seed_generator_state")):
            variable.assign(np.random.SeedSequence([seed, number]).generate_state(2) >> 1)
        if key == GRAMIAN:
            model.balancer.balancing.stand_for(balancing, len(self.heads))
        elif method == TUNED:
            model.balancing_state.assign({"weights": [weights.get(name, 1.0) for name in self.heads]})
        features, labels = self.parts["train"]
        keras.utils.set_random_seed(seed)  # which the order of the rows depends on too
        rows = tf.data.Dataset.from_tensor_slices((features, labels)).shuffle(len(features), seed=seed).batch(BATCH)
        timer = clock(rate, self.epochs)
        model.fit(rows.prefetch(2), epochs=self.epochs, verbose=0, callbacks=[timer])
        return timer.seconds

    def key(self, method: str) -> str:
        """The name of the network that a method trains."""
        return GRAMIAN if isinstance(methods()[method], GramianBalancing) else method

    def figures(self, method: str, part: str) -> pd.DataFrame:
        """A row for each head, of the method's network as it is now."""
        import tensorflow as tf

        for layer, other in zip(_layers(self.judge), _layers(self.models[self.key(method)]), strict=True):
            layer.set_weights(other.get_weights())
        rows = tf.data.Dataset.from_tensor_slices(self.parts[part]).batch(200)
        figures = self.judge.evaluate(rows, verbose=0, return_dict=True)
        found = []
        for name, head in self.judge.heads.items():
            metric = head.metrics()[0]
            value = float(figures[f"{name}_{metric.name}"])
            found.append([name, metric.name, metric.mode, value, float(head.score(value))])
        return pd.DataFrame(found, columns=["head", "metric", "mode", "value", "score"])

    def tune(self, options: argparse.Namespace) -> tuple[float, dict[str, float]]:
        """The learning rate and the fixed weights that are best on validation rows."""
        path, columns = options.out / "tuning.csv", ["set", "rate", "weights", "score"]

        def score(rate: float, weights: dict[str, float]) -> float:
            text, tried = json.dumps(weights), read(path, columns)
            tried = tried[(tried["set"] == self.name) & (tried["rate"] == rate) & (tried["weights"] == text)]
            if len(tried):
                return tried["score"].iloc[0]
            self.train(TUNED, TUNING_SEED, rate, weights)
            value = self.figures(TUNED, "valid")["score"].mean()
            append(path, pd.DataFrame([[self.name, rate, text, value]], columns=columns))
            print(f"tuning  {self.name:8} {rate:g} {text} {value:.4f}", file=sys.stderr, flush=True)
            return value

        rate = max(RATES, key=lambda rate: score(rate, {}))
        rng = np.random.default_rng(TUNING_SEED)
        draws = 3 ** rng.uniform(-1, 1, (options.draws, len(self.heads)))
        candidates = [{}, *(dict(zip(self.heads, map(float, draw.round(3)))) for draw in draws)]
        return rate, max(candidates, key=lambda weights: score(rate, weights))


def _layers(model: Any) -> list[Any]:
    return [layer for layer in model.layers if layer is not model.balancing_state]


def _variables(model: Any) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def clock(rate: float, epochs: int) -> Any:
    """A callback that lets the learning rate fall, epoch by epoch, and counts the CPU time of all epochs but the first."""
    import keras

    class Clock(keras.callbacks.Callback):
        seconds = 0.0

        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = rate * (1 + np.cos(np.pi * epoch / epochs)) / 2
            self.started = time.process_time()

        def on_epoch_end(self, epoch, logs=None):
            if epoch:  # the first one builds the graph
                self.seconds += time.process_time() - self.started

    return Clock()


def shared_layers(shape: tuple[int, int, int]) -> Any:
    """A small residual network on feature maps, which halves height and width."""
    import keras
    from keras import layers

    def convolve(x, size, strides=1):
        x = layers.Conv2D(CHANNELS, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    features = keras.Input(shape)
    x = layers.ReLU()(convolve(features, 1))
    for strides in (2, 1):
        shortcut = layers.ReLU()(convolve(x, 3, strides))
        x = layers.ReLU()(layers.Add()([shortcut, convolve(shortcut, 3)]))
    return keras.Model(features, x, name="shared_layers")


def count_losses_only(model: Any) -> None:
    """Nobody reads metrics while these networks train; methods that learn from an epoch's losses read those."""
    model.get_metrics_result = lambda: {f"{name}_loss": mean.result() for name, mean in model._loss_means.items()}
    model.compute_metrics = lambda *_, **__: model.get_metrics_result()


class Weights(LossWeighting):
    """Fixed weights like those of `mtl.balancing.Static`, as variables, so that one graph serves all that are tried."""

    def _variables(self, tasks):
        return {"weights": Variable(np.ones(len(tasks), "float32"), "state")}

    def total(self, losses, present, variables):
        return weighted_sum(variables["weights"], losses, present)


class StandIn(GramianBalancing):
    """Passes on to one method or another, so that one graph serves all that need the Gramian only."""

    def stand_for(self, method: GramianBalancing, tasks: int) -> None:
        self.method, self.memory = method, method.initial_state(tasks)

    def balance(self, gramian, losses, present, state, rng):
        weights, self.memory = self.method.balance(gramian, losses, present, self.memory, rng)
        return weights, state

    def step(self, gramian, losses, state, rng):
        raise NotImplementedError


# === Results ===


def read(path: Path, columns: list[str]) -> pd.DataFrame:
    return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=columns)


def append(path: Path, rows: pd.DataFrame) -> None:
    with path.open("a") as file:
        file.write(rows.to_csv(index=False, header=not path.stat().st_size))


def is_done(runs: pd.DataFrame, name: str, method: str, seed: int, heads: int) -> bool:
    return len(runs[(runs["set"] == name) & (runs["method"] == method) & (runs["seed"] == seed)]) == heads


def report(runs: pd.DataFrame, chosen: list[str], options: argparse.Namespace) -> None:
    """Write the table and the image of the runs that were asked for."""
    asked = runs["set"].isin(options.sets) & runs["method"].isin(chosen) & (runs["seed"] < options.seeds)
    runs = runs[asked]
    table = summary(runs)
    table.round(4).to_csv(options.out / "table.csv")
    plot_comparison(changes(runs), options.out / "balancing.png")
    print(to_markdown(table))
    print(f"\n{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Python {platform.python_version()}")


if __name__ == "__main__":
    main()
