"""Mixing: images are blended as the weights say, labels go along, and rows with places in the image are left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import LabelTable, Mixing, image_dataset
from mtlzoo.data.mixing import mixing
from mtlzoo.data.pipeline import PipelineSettings, RowLoader
from mtlzoo.data.sharding import BatchShard
from mtlzoo.heads import BinaryHead, BoxHead, ClassificationHead, RegressionHead
from mtlzoo.heads.mixed import MIXED, WAYS, partners_of
from mtlzoo.system.registries import HEADS, MIXINGS

ROWS, SIZE = 24, (16, 12)
ALWAYS = {"probability": 1.0}
SUITABLE = dict.fromkeys(WAYS, np.ones(ROWS, bool))


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> LabelTable:
    """Images of one gray value each, which is the label `gray` too; every sixth row has a box."""
    folder = tmp_path_factory.mktemp("images")
    for row in range(ROWS):
        cv2.imwrite(str(folder / f"{row}.png"), np.full((*SIZE, 3), 10 * row, np.uint8))
    frame = pd.DataFrame(
        {
            "image": [f"{row}.png" for row in range(ROWS)],
            "gray": [10.0 * row for row in range(ROWS)],
            "kind": [["a", "b", None][row % 3] for row in range(ROWS)],
            "box": ["0.1 0.2 0.6 0.7" if row % 6 == 0 else None for row in range(ROWS)],
            "weight": [float(row % 4) for row in range(ROWS)],
        }
    )
    heads = {"gray": RegressionHead(), "kind": ClassificationHead(["a", "b"]), "box": BoxHead()}
    return LabelTable(frame, heads, root=folder, source="labels.csv", first_line=2)


def one_batch(table: LabelTable, mix: Mixing | str | None, **options) -> tuple:
    dataset = image_dataset(table, SIZE, ROWS, mix=mix, **options)
    images, labels, *weights = next(iter(dataset))
    labels = {name: values.numpy() for name, values in labels.items() if name != MIXED} | (
        {MIXED: labels[MIXED]} if MIXED in labels else {}
    )
    return images.numpy().astype(float), labels, [weight.numpy() for weight in weights]


def gray_of_partner(labels: dict) -> np.ndarray:
    return partners_of(labels).labels["gray"].numpy()[:, 0]


# === Settings ===


def test_names():
    assert mixing(None) is None
    assert {name: mixing(name).ways for name in MIXINGS} == {"mixup": ("mixup",), "cutmix": ("cutmix",), "both": WAYS}
    with pytest.raises(ValueError, match=r"received: 'cut'.* Valid names: mixup, cutmix, both"):
        mixing("cut")


@pytest.mark.parametrize(
    "wrong", [{"mixup": -1}, {"cutmix": float("nan")}, {"mixup": 0, "cutmix": 0}, {"probability": 0}]
)
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected "):
        Mixing(**wrong)


def test_heads_with_places_do_not_mix():
    ways = {name: HEADS[name].mixes for name in HEADS.names(plugins=False)}
    apart = {"landmarks", "box", "dual_task", "detection"}
    assert ways == {name: () if name in apart else WAYS for name in ways}


# === What is drawn ===


@pytest.mark.parametrize("name", MIXINGS.names(plugins=False))
def test_the_own_label_weighs_more_and_partners_are_others(name):
    own, partners = [], []
    for batch in range(30):
        mixture = mixing(name).draw(np.arange(ROWS) + 1000 * batch, SUITABLE, SIZE)
        mixed = mixture.own < 1
        assert (mixture.own >= 0.5).all()
        assert (mixture.partners[mixed] != np.arange(ROWS)[mixed]).all()
        assert ((mixture.boxes[:, 2] > 0) <= (name != "mixup")).all()
        own.append(mixture.own)
        partners.append(mixture.partners[0])
    assert len(set(partners)) > 8
    assert 0.3 < np.mean(np.array(own) < 1) < 0.6


def test_the_same_seeds_draw_the_same_and_others_do_not():
    one, again, other = (Mixing().draw(np.arange(ROWS) + start, SUITABLE, SIZE) for start in (0, 0, 1))
    np.testing.assert_array_equal(one.own, again.own)
    np.testing.assert_array_equal(one.boxes, again.boxes)
    assert not np.array_equal(one.own, other.own)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_batch_of_one_suitable_row_is_not_mixed(rows):
    suitable = {way: np.arange(3) < rows for way in WAYS}
    mixture = Mixing(**ALWAYS).draw(np.arange(3), suitable, SIZE)
    assert mixture.own.tolist() == [1, 1, 1]
    assert mixture.partners.tolist() == [0, 1, 2]


# === Images ===


def test_mixup_blends_by_the_weight(table):
    images, labels, _ = one_batch(table, Mixing(mixup=1, cutmix=0, **ALWAYS))
    partners = partners_of(labels)
    own = partners.own.numpy()
    expected = own * labels["gray"][:, 0] + (1 - own) * gray_of_partner(labels)
    np.testing.assert_allclose(images, np.broadcast_to(expected[:, None, None, None], images.shape), atol=0.51)
    np.testing.assert_allclose(own + partners.other.numpy(), 1, rtol=1e-6)
    assert (own < 1).sum() == ROWS - 4


def test_the_area_that_is_pasted_is_the_weight(table):
    images, labels, _ = one_batch(table, Mixing(mixup=0, cutmix=1, **ALWAYS))
    own, other = partners_of(labels).own.numpy(), gray_of_partner(labels)
    for image, label, partner, weight in zip(images, labels["gray"][:, 0], other, own):
        pasted = image[..., 0] == partner
        assert ((image == label) | (image == partner)).all()
        if weight < 1:
            assert pasted.mean() == pytest.approx(1 - weight)
            rows, columns = np.flatnonzero(pasted.any(axis=1)), np.flatnonzero(pasted.any(axis=0))
            assert pasted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_gray_images_are_mixed_too(table):
    images, labels, _ = one_batch(table, Mixing(mixup=1, cutmix=0, **ALWAYS), channels=1)
    own = partners_of(labels).own.numpy()
    assert images.shape == (ROWS, *SIZE, 1)
    expected = own * labels["gray"][:, 0] + (1 - own) * gray_of_partner(labels)
    np.testing.assert_allclose(images[:, 3, 3, 0], expected, atol=0.51)


# === Labels and weights ===


def test_own_labels_stay_and_spatial_rows_are_left_alone(table):
    plain, plain_labels, _ = one_batch(table, None)
    images, labels, _ = one_batch(table, Mixing(**ALWAYS))
    partners = partners_of(labels)
    for name in table.heads:
        np.testing.assert_array_equal(labels[name], plain_labels[name])
    with_box = np.arange(ROWS) % 6 == 0
    np.testing.assert_array_equal(images[with_box], plain[with_box])
    assert (partners.own.numpy()[with_box] == 1).all()
    assert (partners.own.numpy()[~with_box] < 1).sum() >= ROWS - 4 - 3
    assert set(partners.labels) == {"gray", "kind"}
    mixed = partners.own.numpy() < 1
    assert not set(gray_of_partner(labels)[mixed] // 10) & {0, 6, 12, 18}
    # Each head's label of the second image is that of the same image.
    ids = (gray_of_partner(labels) // 10).astype(int)
    np.testing.assert_array_equal(partners.labels["kind"].numpy(), table.labels()["kind"][ids])


def test_weights_follow_their_labels(table):
    _, labels, [weights] = one_batch(table, Mixing(**ALWAYS), sample_weight="weight")
    partners = partners_of(labels)
    np.testing.assert_array_equal(weights, np.arange(ROWS) % 4)
    own, ids = partners.own.numpy(), (gray_of_partner(labels) // 10).astype(int)
    np.testing.assert_allclose(partners.other.numpy(), (1 - own) * (ids % 4), rtol=1e-5)
    assert (own[weights == 0] == 1).all()
    assert (ids[own < 1] % 4 > 0).all()


def test_images_without_labels_are_not_mixed(table):
    plain = np.concatenate([images.numpy() for images in image_dataset(table, SIZE, 8, labels=False)])
    mixed = np.concatenate([images.numpy() for images in image_dataset(table, SIZE, 8, labels=False, mix="both")])
    np.testing.assert_array_equal(mixed, plain)


def test_epochs_are_mixed_anew_and_repeatably(table):
    def epochs(workers: int) -> list[np.ndarray]:
        options = {"mix": Mixing(**ALWAYS), "augment": "default", "shuffle": True, "seed": 3, "workers": workers}
        dataset = image_dataset(table, SIZE, 8, **options)
        return [np.concatenate([images.numpy() for images, _ in dataset]) for _ in range(2)]

    one, two = epochs(1), epochs(4)
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one[0], one[1])


@pytest.mark.parametrize("rows", [ROWS, 7])
def test_shards_are_mixed_as_the_whole_batch_is(table, rows):
    part = table.take(range(rows))
    settings = PipelineSettings(SIZE, ROWS, augment="default", mix=Mixing(**ALWAYS))
    whole = RowLoader(part, settings)
    seeds = np.arange(rows)
    images, *columns = whole.load_mixed(np.arange(rows), seeds, np.arange(rows))
    found = []
    for first in range(2):
        shard = BatchShard(2, first, 1)
        dataset = image_dataset(part, SIZE, ROWS, augment="default", mix=Mixing(**ALWAYS), shard=shard)
        shape = dataset.element_spec[1][MIXED]["own"].shape
        assert shape.rank == 1
        chosen = shard.rows(rows)[0].numpy()
        loaded = RowLoader(part, settings).load_mixed(np.arange(rows), seeds, chosen)
        for got, expected in zip(loaded, [images, *columns]):
            np.testing.assert_array_equal(got, expected[chosen])
        found += chosen.tolist()
        batch_images, labels, weights = next(iter(dataset))
        assert len(batch_images) == len(weights) == len(labels[MIXED]["other"]) == -(-rows // 2)
    assert set(found) == set(range(rows))


def test_a_head_that_does_not_mix_one_way_is_mixed_the_other():
    class OnlyMixup(BinaryHead):
        mixes = ("mixup",)

    frame = pd.DataFrame({"image": ["a.png", "b.png"], "yes": ["yes", "no"]})
    settings = PipelineSettings(SIZE, 2, mix="both")
    loader = RowLoader(LabelTable(frame, {"yes": OnlyMixup()}), settings)
    assert {way: suitable.tolist() for way, suitable in loader.suitable.items()} == {
        "mixup": [True, True],
        "cutmix": [False, False],
    }
