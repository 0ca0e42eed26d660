"""One training with classes held out, and the features of images that are like its own and unlike them."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from comparison.real_sets import FILES, open_set
from comparison.unusual_sets import hold_out, load, unlike

import mtlzoo as mtl
from mtlzoo.models.head_layers import output_layer
from mtlzoo.models.splitting import shared_features

PIXELS = 96


def run(data: Path, name: str, seed: int, path: Path) -> None:
    """Train, and write for each kind of images the features and what the heads say, as arrays `kind|what`.

    Args:
        data: The folder with the sets.
        name: The set.
        seed: What everything random is drawn from, the classes held out too.
        path: The file.
    """
    real, near, left_out = hold_out(open_set(data, name, seed, PIXELS), name, seed)
    train, valid, test = real.tables
    heads = {head: train.heads[head] for head in real.heads if train.frame[head].notna().any()}
    weights = str(data / "keras_home" / "models" / FILES["MobileNetV2", 0.35])
    keras.utils.set_random_seed(seed)
    model = mtl.build("MobileNetV2", heads, (PIXELS, PIXELS, 3), weights, alpha=0.35)
    history = mtl.fit(
        model, train, valid, recipe="fast", cache="memory", seed=seed, verbose=False, calibrate=False
    ).history
    print(f"{name} {seed} without {', '.join(left_out)}: val_score {max(history['val_score']):.3f}", flush=True)
    network = keras.Model(model.input, shared_features(model))
    tables = {"train": train, "valid": valid, "test": test}
    kinds = {kind: mtl.data.image_dataset(table, (PIXELS, PIXELS), 64, labels=False) for kind, table in tables.items()}
    kinds |= {"class: held out": load(near, PIXELS), **unlike(data, name, test, PIXELS)}
    found: dict[str, np.ndarray] = {}
    for kind, images in kinds.items():
        features = np.asarray(network.predict(images, batch_size=None if kind in tables else 64, verbose=0), "float32")
        found[f"{kind}|f"] = features
        found[f"{kind}|soft"], found[f"{kind}|energy"] = _confidence(model, features)
    for head, labels in train.for_heads(model.heads).labels().items():
        found[f"labels|{head}"] = np.asarray(labels)
    np.savez(path, **found)


def _confidence(model: mtl.MultiTaskModel, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest probability and the (negative) energy of each row, means over heads."""
    probabilities, energies = [], []
    for name in model.heads:
        kernel, bias = output_layer(model, name).get_weights()
        logits = features @ kernel + bias
        if logits.shape[1] == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        energy = np.logaddexp.reduce(logits, axis=1)
        probabilities.append(np.exp(logits.max(axis=1) - energy))
        energies.append(energy)
    return np.mean(probabilities, axis=0), np.mean(energies, axis=0)
