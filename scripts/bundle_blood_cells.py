"""Make the photographs of blood cells that mtlzoo brings along, `mtlzoo/datasets/cells/packed`.

    python scripts/bundle_blood_cells.py SOURCE OUT

`SOURCE` is a folder with `labels.csv` and the images it names: one column a question, and the column `split` with the parts
that WBCAtt published, empty where it has no row. `OUT` is the folder to make, of the packed format. The same source gives
the same rows, in the same order; the bytes of the JPEGs are those of the libjpeg that OpenCV was built with.

- A row of WBCAtt keeps its published part. For the others the content of the file says the part, in the fractions that the
  published split has (`mtl.data.split_by_content`).
- Of each part so many rows are kept that all fractions stay (`mtl.data.split`: every class of every question, too).
- Images are scaled to a short side of 96 pixels, as the mean of the area that a pixel covers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2

import mtlzoo as mtl

ROWS, PIXELS, QUALITY = 2000, 96, 88
PARTS = {"train": 0.6, "val": 0.1, "test": 0.3}  # as WBCAtt has them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier bundle")
    options = parser.parse_args()
    table = choose(with_all_parts(mtl.data.read_csv(options.source / "labels.csv")))
    check(table)
    with tempfile.TemporaryDirectory() as folder:
        scale_images(table, Path(folder))
        small = mtl.data.LabelTable(
            table.frame, table.heads, root=Path(folder), source="blood_cells", split=table.split
        )
        mtl.data.pack(small, options.out, overwrite=options.overwrite)
    size = sum(file.stat().st_size for file in options.out.iterdir())
    print(f"{table.describe()}\n{table.frame['split'].value_counts().to_dict()}, {size:,} bytes in {options.out}")


def with_all_parts(table: mtl.data.LabelTable) -> mtl.data.LabelTable:
    """The table with a part for every row; the published ones stay."""
    parts = table.frame["split"].astype(object)
    unpublished = table.take(parts.isna().to_numpy().nonzero()[0])
    for name, rows in zip(PARTS, mtl.data.split_by_content(unpublished, list(PARTS.values())), strict=True):
        parts[table.frame["image"].isin(rows.frame["image"])] = name
    return replace(table, frame=table.frame.assign(split=parts))


def choose(table: mtl.data.LabelTable) -> mtl.data.LabelTable:
    """So many rows of each part that all labels keep their fractions, in the table's order."""
    fraction = ROWS / len(table)
    chosen: set[str] = set()
    for name in PARTS:
        rows, _ = mtl.data.split(table.part(name), [fraction, 1 - fraction], seed=0)
        chosen.update(rows.frame["image"])
    return table.take(table.frame["image"].isin(chosen).to_numpy().nonzero()[0])


def check(table: mtl.data.LabelTable) -> None:
    """Make sure that the parts to train and to report on have every class of every question."""
    for name in ("train", "test"):
        rows = table.frame[table.frame["split"] == name]
        for head in table.heads:
            lost = set(table.frame[head].dropna()) - set(rows[head].dropna())
            if lost:
                raise SystemExit(f"No row of {name} has {head} = {', '.join(map(str, sorted(lost)))}: take more rows.")


def scale_images(table: mtl.data.LabelTable, folder: Path) -> None:
    """Write the images of a table, scaled, below a folder, under the names that the table has for them."""
    for name, path in zip(table.frame["image"], table.paths(), strict=True):
        image = cv2.imread(path)
        height, width = image.shape[:2]
        scale = PIXELS / min(height, width)
        size = (round(width * scale), round(height * scale))
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        done = cv2.imwrite(
            str(target), cv2.resize(image, size, interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        )
        if not done:
            raise SystemExit(f"Cannot write {target}.")


if __name__ == "__main__":
    main()
