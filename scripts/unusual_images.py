"""Which measure on the features that all heads share tells images unlike those of the training best?

    python scripts/unusual_images.py DATA OUT

`DATA` holds the folders `blood_cells`, `groceries`, `clothing` and `keras_home` with ImageNet weights. For each set and seed
some classes are held out, a MobileNetV2 0.35 is trained on the rest with the recipe "fast" at 96 pixels, and each measure is
fitted on 2,000 training rows. Then it has to tell the test rows of known classes from others: the classes that were held out
(and cells that the published split leaves out), other sets, drawn images, and the same test rows spoilt: out of focus,
noisy, dark, turned, cropped, as negatives.

`OUT` gets `runs/*.npz`, a file a run with all features, which is not repeated, and `table.csv`, which is printed: means over
sets and seeds of the area under the ROC curve; of the fraction of unlike images that are missed where 5 % of the test rows
are called unusual (`missed`); and of the fraction of test rows above 99 % of the validation rows (`flagged`). `kinds.csv`
has the area, and the fraction above 99 % of the validation rows (`caught`), of each kind of images by the measure of mtlzoo.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=["blood_cells", "groceries", "clothing"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        from comparison.unusual_runs import run

        name, seed, path = json.loads(options.one)
        run(options.data, name, seed, Path(path))
        return
    (options.out / "runs").mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in options.seeds:
        for name in options.sets:
            paths.append(options.out / "runs" / f"{name}-{seed}.npz")
            if not paths[-1].exists():
                given = json.dumps([name, seed, str(paths[-1])])
                subprocess.run([sys.executable, __file__, *sys.argv[1:], "--one", given], check=True)
    from comparison.unusual_ways import summarize

    table, kinds = summarize(paths)
    for name, frame in {"table.csv": table, "kinds.csv": kinds}.items():
        frame.round(4).to_csv(options.out / name)
        print(frame.round(3).to_string(na_rep=""), "\n")


if __name__ == "__main__":
    main()
