"""Train on real photographs of clothes, beside a careful plain Keras script with the same weights and the same time.

The data are photographs taken at home (alexeygrigorev/clothing-dataset, CC0) with a table `labels.csv` of the columns
`image,garment,kids,sender_id`. The split is by sender: 70 % to train, 10 % to choose the best epoch by, 20 % to report on.

    python scripts/clothing.py DATA OUT

`OUT` gets the run folder of `mtlzoo train`, the figures of both as `clothing.csv`, and the table is printed. Both start
from ImageNet weights of MobileNet 0.25 and both get ten minutes. The plain script takes its metrics from scikit-learn, which
`pip install -e ".[test]"` brings.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

PIXELS = 176
COMMAND = [
    *("--heads", "garment", "kids", "--group", "sender_id", "--test", "0.2"),
    *("--backbone", "mobilenet", "--option", "alpha=0.25", "--image-size", str(PIXELS)),
    *("--stages", "heads:1:3e-3", "all:26:1e-3", "--augment", "strong", "--label-smoothing", "0.1"),
]
SECONDS = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--plain", action="store_true", help="run the plain Keras script only")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run's files")
    options = parser.parse_args()
    if options.plain:
        plain_keras(options.data, options.out, options.overwrite)
        return
    import pandas as pd

    from mtlzoo.cli import runs

    runs.check_files(options.out, ["plain.csv", "clothing.csv"], overwrite=options.overwrite)
    again = ["--overwrite"] if options.overwrite else []
    started = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--plain", options.data, options.out / "plain.csv", *again], check=True)
    plain_seconds = time.perf_counter() - started
    command = ["train", str(options.data / "labels.csv"), *COMMAND, "--out", str(options.out / "run"), *again]
    print("$ mtlzoo", *command, flush=True)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mtlzoo", *command], check=True)
    seconds = time.perf_counter() - started

    report = pd.read_csv(options.out / "run" / "report.csv", index_col="head").loc[["garment", "kids"]]
    plain = pd.read_csv(options.out / "plain.csv", index_col="head")
    figures = ["accuracy", "balanced_accuracy", "auc"]
    table = pd.concat(
        {
            "majority": report[["baseline"]].rename(columns={"baseline": "accuracy"}),
            f"plain Keras ({plain_seconds:.0f} s)": plain[figures],
            f"mtlzoo ({seconds:.0f} s)": report[figures],
        },
        axis=1,
    ).T.unstack(level=1)
    runs.write_csv(options.out / "clothing.csv", table, index=True, overwrite=options.overwrite)
    print(table.dropna(axis=1, how="all").to_string(float_format="{:.3f}".format, na_rep=""))
    print(f"\n{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Python {platform.python_version()}")


def plain_keras(data: Path, out: Path, overwrite: bool = False) -> None:
    """What somebody who knows Keras writes: one softmax, one sigmoid, frozen and then fine-tuned, best epoch kept."""
    started = time.perf_counter()
    import keras
    import pandas as pd
    import tensorflow as tf
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

    import mtlzoo as mtl  # for the same split and for writing the result, and nothing else
    from mtlzoo.cli import runs

    keras.utils.set_random_seed(0)
    table = mtl.data.read_csv(data / "labels.csv", heads=["garment", "kids"], group="sender_id")
    parts = [part.frame for part in mtl.data.split(table, [0.7, 0.1, 0.2], group="sender_id", seed=0)]
    garments = sorted(table.frame["garment"].dropna().unique())

    def load(path, labels):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (PIXELS, PIXELS)), labels

    def dataset(frame, training):
        paths = [str(data / image) for image in frame["image"]]
        labels = {
            "garment": [garments.index(name) if isinstance(name, str) else -1 for name in frame["garment"]],
            "kids": [float(kids == "yes") for kids in frame["kids"]],
        }
        rows = tf.data.Dataset.from_tensor_slices((paths, labels))
        if training:
            rows = rows.shuffle(len(frame), seed=0)
        rows = rows.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(32)
        if training:
            vary = keras.Sequential(
                [
                    keras.layers.RandomFlip("horizontal"),
                    keras.layers.RandomRotation(20 / 360),
                    keras.layers.RandomZoom(0.2),
                    keras.layers.RandomBrightness(0.2, value_range=(0, 255)),
                ]
            )
            rows = rows.map(lambda x, y: (vary(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
        return rows.prefetch(tf.data.AUTOTUNE)

    train, valid = (part.dropna(subset=["garment"]) for part in parts[:2])
    base, at_224 = (
        keras.applications.MobileNet(alpha=0.25, include_top=False, weights=weights, input_shape=(pixels, pixels, 3))
        for pixels, weights in [(PIXELS, None), (224, "imagenet")]
    )
    base.set_weights(at_224.get_weights())  # Keras has another file for 128 pixels; this one fits any size
    inputs = keras.Input((PIXELS, PIXELS, 3))
    x = base(keras.layers.Rescaling(1 / 127.5, -1)(inputs), training=False)
    x = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(x))
    outputs = {
        "garment": keras.layers.Dense(len(garments), activation="softmax", name="garment")(x),
        "kids": keras.layers.Dense(1, activation="sigmoid", name="kids")(x),
    }
    model = keras.Model(inputs, outputs)

    class InTime(keras.callbacks.Callback):
        """Stops when the next epoch would end after the time."""

        def on_epoch_begin(self, epoch, logs=None):
            self.begun = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            now = time.perf_counter()
            if now - started + 1.2 * (now - self.begun) > SECONDS - 10:
                self.model.stop_training = True

    class BestWeights(keras.callbacks.Callback):
        """Keeps the best epoch by the mean of both validation accuracies, as mtlzoo's score has it."""

        best, weights = 0, None

        def on_epoch_end(self, epoch, logs=None):
            score = (logs["val_garment_accuracy"] + logs["val_kids_accuracy"]) / 2
            if score > self.best:
                self.best, self.weights = score, self.model.get_weights()

    best = BestWeights()
    for trainable, rate, epochs in [(False, 1e-3, 5), (True, 1e-4, 1000)]:
        base.trainable = trainable
        model.compile(
            keras.optimizers.Adam(rate),
            loss={"garment": "sparse_categorical_crossentropy", "kids": "binary_crossentropy"},
            metrics={"garment": "accuracy", "kids": "accuracy"},
        )
        callbacks = [keras.callbacks.ReduceLROnPlateau("val_loss", patience=4), best, InTime()]
        model.fit(
            dataset(train, True),
            validation_data=dataset(valid, False),
            epochs=epochs,
            callbacks=callbacks,
            shuffle=False,
            verbose=2,
        )
        model.set_weights(best.weights)
    test = parts[2]
    answers = model.predict(dataset(test, False), verbose=0)
    rows = {}
    known = test["garment"].notna().to_numpy()
    truth = [garments.index(name) for name in test["garment"][known]]
    answer = answers["garment"][known].argmax(-1)
    rows["garment"] = {
        "accuracy": accuracy_score(truth, answer),
        "balanced_accuracy": balanced_accuracy_score(truth, answer),
    }
    truth, answer = (test["kids"] == "yes").to_numpy(), answers["kids"][:, 0]
    rows["kids"] = {
        "accuracy": accuracy_score(truth, answer >= 0.5),
        "balanced_accuracy": balanced_accuracy_score(truth, answer >= 0.5),
        "auc": roc_auc_score(truth, answer),
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")
    runs.write_csv(out, table, index=True, overwrite=overwrite)


if __name__ == "__main__":
    main()
