"""The distribution `mtlzoo-predict`: the same package, for where exported files predict and nothing is trained.

`pip install mtlzoo` brings TensorFlow and Keras, and an extra can only add to that. This makes a wheel of the same sources
whose requirements are those of predictions alone. It is imported as `mtlzoo`, so it belongs into an environment that has not
`mtlzoo` itself.

    python scripts/predict_wheel.py dist
    pip install dist/mtlzoo_predict-*.whl onnxruntime
"""

from __future__ import annotations

import configparser
import os
import shutil
import sys
import tempfile
from pathlib import Path

from setuptools import build_meta

ROOT = Path(__file__).parents[1]
NEEDED = ("numpy", "pandas", "opencv-python-headless", "pillow", "shtab")
# Weights and images that come along are for training.
LEFT_OUT = ("*.npz", "*.h5", "*.tfrecord", "__pycache__")


def write_settings(folder: Path) -> None:
    """The settings of the package, with another name and fewer requirements."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = settings["options"]["install_requires"].splitlines()
    kept = [line for line in lines if line.strip().startswith(NEEDED)]
    runtimes = settings["options.extras_require"]["predict"].splitlines()
    settings["metadata"]["name"] = "mtlzoo-predict"
    settings["metadata"]["description"] = "Predictions of exported mtlzoo models, without TensorFlow and Keras."
    settings["options"]["install_requires"] = "\n".join([*kept, *(line for line in runtimes if "litert" in line)])
    settings["options.extras_require"] = {
        name: "\n" + "\n".join(line for line in runtimes if name in line) for name in ("onnxruntime", "openvino")
    }
    settings.remove_section("tool:pytest")
    with open(folder / "setup.cfg", "w", encoding="utf-8") as file:
        settings.write(file)


def main(out: Path) -> None:
    """Build the wheel into a folder, and print its path."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(ROOT / file, folder)
        shutil.copytree(ROOT / "mtlzoo", folder / "mtlzoo", ignore=shutil.ignore_patterns(*LEFT_OUT))
        write_settings(folder)
        target = out.resolve()
        os.chdir(folder)
        wheel = build_meta.build_wheel(str(target))
    print(target / wheel)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
