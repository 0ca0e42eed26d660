"""Splitting by content: an image's side depends on its bytes and on nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import LabelTable, TableError, split_by_content
from mtlzoo.heads import BinaryHead

SHARES = [[0.8, 0.2], [0.5, 0.5], [0.7, 0.2, 0.1]]


def write(folder: Path, contents: dict[str, str], **columns) -> LabelTable:
    for name, content in contents.items():
        (folder / name).write_text(content)
    frame = pd.DataFrame({"image": list(contents), "kids": ["yes", "no"] * (len(contents) // 2)}).assign(**columns)
    return LabelTable(frame, {"kids": BinaryHead()}, root=folder)


def images(number: int) -> dict[str, str]:
    return {f"{index}.jpg": f"image {index}" for index in range(number)}


def sides(parts: list[LabelTable]) -> dict[str, int]:
    return {image: side for side, part in enumerate(parts) for image in part.frame["image"]}


def by_content(parts: list[LabelTable]) -> list[set[str]]:
    return [{Path(path).read_text() for path in part.paths()} for part in parts]


@pytest.mark.parametrize("fractions", SHARES)
def test_every_row_is_in_one_part_and_parts_have_their_fractions(tmp_path, fractions):
    parts = split_by_content(write(tmp_path, images(1000)), fractions)
    rows = [part.frame.index.tolist() for part in parts]
    assert sorted(np.concatenate(rows)) == list(range(1000))
    assert all(own == sorted(own) for own in rows)
    for share, own in zip(fractions, rows):
        assert abs(len(own) - 1000 * share) < 4 * np.sqrt(1000 * share * (1 - share))


def test_the_rule_is_the_documented_one(tmp_path):
    parts = split_by_content(write(tmp_path, images(60)), [0.6, 0.3, 0.1])
    for name, content in images(60).items():
        digest = hashlib.blake2b(content.encode(), digest_size=16).digest()
        number = int.from_bytes(digest[8:], "big") / 2**64
        assert sides(parts)[name] == (number >= 0.6) + (number >= 0.6 + 0.3)


def test_names_order_and_company_do_not_matter(tmp_path):
    before = sides(split_by_content(write(tmp_path, images(100)), [0.7, 0.3]))
    kept = {f"{index}.jpg": f"image {index}" for index in range(99, 19, -1)}
    added = {f"new {index}.jpg": f"something else {index}" for index in range(40)}
    after = sides(split_by_content(write(tmp_path, {**added, **kept}), [0.7, 0.3]))
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    renamed = {f"renamed {name}": content for name, content in images(100).items()}
    again = sides(split_by_content(write(tmp_path, renamed), [0.7, 0.3]))
    assert {name.removeprefix("renamed "): side for name, side in again.items()} == before


def test_a_first_part_that_grows_keeps_what_it_had(tmp_path):
    table = write(tmp_path, images(200))
    small, large = (set(split_by_content(table, [share, 1 - share])[0].frame["image"]) for share in (0.3, 0.6))
    assert small < large


def test_identical_images_and_repeated_rows_stay_together(tmp_path):
    table = write(tmp_path, {f"{index}.jpg": f"{index % 30}" for index in range(120)})
    table = table.take(list(range(120)) * 2)
    parts = split_by_content(table, [0.5, 0.5])
    assert not set.intersection(*by_content(parts))
    assert sum(map(len, parts)) == 240


@pytest.mark.parametrize("as_column", [True, False])
def test_groups_stay_together_with_identical_images(tmp_path, as_column):
    rng = np.random.default_rng(0)
    senders = [None if sender < 10 else sender for sender in rng.integers(0, 80, 300).tolist()]
    contents = {f"{index}.jpg": f"{index % 280}" for index in range(300)}
    table = write(tmp_path, contents, sender=pd.Series(senders, dtype=object))
    parts = split_by_content(table, [0.5, 0.5], group="sender" if as_column else senders)
    assert not set.intersection(*by_content(parts))
    first, second = (set(part.frame["sender"].dropna()) for part in parts)
    assert not first & second
    assert sum(map(len, parts)) == 300


def test_large_groups_do_not_crowd_into_the_first_part(tmp_path):
    table = write(tmp_path, images(600), sender=np.arange(600) // 10)
    first, _ = split_by_content(table, [0.5, 0.5], group="sender")
    assert 18 <= first.frame["sender"].nunique() <= 42  # four standard deviations about 30


def test_other_groups_stay_where_they_are(tmp_path):
    table = write(tmp_path, images(300), sender=np.arange(300) // 3)
    before = sides(split_by_content(table, [0.5, 0.5], group="sender"))
    part = table.take(np.arange(150, 300))
    after = sides(split_by_content(part, [0.5, 0.5], group="sender"))
    assert all(before[name] == side for name, side in after.items())


# === Refusals ===


@pytest.mark.parametrize("fractions", [[0.8], [0.8, 0.3], [1.0, 0.0], [1.2, -0.2], [[0.5, 0.5]]])
def test_wrong_fractions_are_refused(tmp_path, fractions):
    with pytest.raises(ValueError, match="Expected at least two fractions above 0 whose sum is 1"):
        split_by_content(write(tmp_path, images(4)), fractions)


def test_unreadable_files_are_named(tmp_path):
    table = write(tmp_path, images(10))
    (tmp_path / "3.jpg").unlink()
    with pytest.raises(TableError, match=r"^table, 3\.jpg: the file cannot be read: No such file or directory\.$"):
        split_by_content(table, [0.5, 0.5])
    (tmp_path / "3.jpg").mkdir()
    with pytest.raises(TableError, match=r"^table, 3\.jpg: the file cannot be read: Is a directory\.$"):
        split_by_content(table, [0.5, 0.5])


def test_unknown_groups_are_refused(tmp_path):
    table = write(tmp_path, images(4))
    with pytest.raises(TableError, match="no column 'sender' to group by"):
        split_by_content(table, [0.5, 0.5], group="sender")
    with pytest.raises(ValueError, match="one group value for each of 4 rows, received: 2"):
        split_by_content(table, [0.5, 0.5], group=[1, 2])


def test_empty_parts_are_refused(tmp_path):
    table = write(tmp_path, images(100))
    first, _ = split_by_content(table, [0.5, 0.5])
    with pytest.raises(TableError, match=r"none falls into the part of 0\.4.* give all shares at once"):
        split_by_content(first, [0.6, 0.4])
    with pytest.raises(TableError, match="of 0 different images none"):
        split_by_content(table.take([]), [0.5, 0.5])
