"""The photographs of blood cells that come with the package."""

from __future__ import annotations

import configparser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo
import mtlzoo as mtl
from mtlzoo.images.source import ImageSource

ROOT = Path(mtlzoo.__file__).parent
REPOSITORY = Path(__file__).resolve().parents[3]
FOLDERS = {"mtlzoo.backbones": "weights", "mtlzoo.datasets.cells": "packed"}
LIMIT = 10_000_000  # bytes of all that comes along


@pytest.fixture(scope="module")
def table():
    return mtl.datasets.blood_cells()


def test_the_parts_have_every_class_of_every_question(table):
    parts = table.parts()
    assert tuple(map(len, parts)) == (1195, 199, 607)
    assert len(table.heads) == 13
    for name, head in table.heads.items():
        counts = [part.frame[name].value_counts(normalize=True) for part in parts]
        assert all(set(part.index[part > 0]) == set(head.names) for part in (counts[0], counts[2])), name
        assert (counts[0] - counts[2]).abs().max() < 0.05, name


def test_labels_are_missing_as_they_are(table):
    labelled = table.labelled()
    assert labelled["cell_type"].all()
    assert 0.3 < labelled["stage"].mean() < 0.4
    mature = ~table.frame["cell_type"].isin(["erythroblast", "immature granulocyte", "platelet"]).to_numpy()
    for name in table.heads.keys() - {"cell_type", "stage"}:
        np.testing.assert_array_equal(labelled[name], mature)
    assert (table.frame["granule_type"] == "nil").any()  # a class, and no missing label


def test_images_are_small_whole_and_on_one_side_each(table):
    contents = [ImageSource(path).read() for path in table.paths()]
    assert len(set(contents)) == len(contents)
    for content in contents[::50]:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert min(image.shape[:2]) == 96
        assert image.std() > 10


def test_the_source_is_sampled_and_its_split_stays(table, shared):
    source = pd.read_csv(shared / "blood_cells" / "labels.csv", keep_default_na=False, na_values=[""]).set_index(
        "image"
    )
    frame = table.frame.set_index("image").astype(object)
    rows = source.loc[frame.index]
    published = rows["split"].notna()
    assert (frame["split"][published] == rows["split"][published]).all()
    assert set(frame["split"][~published]) == {"train", "val", "test"}
    for name in table.heads:
        assert (
            frame[name].where(frame[name].notna(), "").equals(rows[name].where(rows[name].notna(), "").astype(object))
        )
        for part in ("train", "test"):
            kept = frame[name][published & (frame["split"] == part)].value_counts(normalize=True)
            had = source[name][source["split"] == part].value_counts(normalize=True)
            assert (kept - had).abs().max() < 0.01, (name, part)
    path = table.paths()[7]
    small = cv2.imdecode(np.frombuffer(ImageSource(path).read(), np.uint8), cv2.IMREAD_COLOR)
    large = cv2.imread(str(shared / "blood_cells" / table.frame["image"].iloc[7]))
    expected = cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(float) - expected).mean() < 3


def test_what_comes_along_is_packaged_and_small():
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    files = [path for folder in ("backbones/weights", "datasets/cells/packed") for path in (ROOT / folder).iterdir()]
    assert len(files) == 4
    assert sum(path.stat().st_size for path in files) <= LIMIT
    for package, folder in FOLDERS.items():
        assert config["options.package_data"][package] == f"{folder}/*"
    assert set(config["metadata"]["license_files"].split()) == {"LICENSE", "NOTICE"}


@pytest.mark.parametrize(
    "words",
    [
        "Data in Brief 30 (2020) 105474",
        "doi:10.17632/snkd93bnjr.1",
        "https://creativecommons.org/licenses/by/4.0/",
        "ad255b80f6d56b9f72508b04466c3c4a2c95c97b",
        "Permission is hereby granted, free of charge",
        "Changed:",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
        "Apache-2.0",
    ],
)
def test_the_notice_names_source_and_licence(words):
    assert words in (REPOSITORY / "NOTICE").read_text(encoding="utf-8")
