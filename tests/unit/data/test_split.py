"""Splitting: nothing leaks, every label keeps its share, and the same seed splits the same way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import LabelTable, TableError, split, splitting
from mtlzoo.heads import BinaryHead, ClassificationHead, Head, MultiLabelHead, OrdinalHead, RegressionHead

SHARES = [[0.8, 0.2], [0.5, 0.5], [0.7, 0.2, 0.1], [0.97, 0.03]]


def random_table(rng: np.random.Generator, rows: int, heads: dict[str, Head], missing: float = 0.4) -> LabelTable:
    """Labels of uneven frequency that hang together, as a row's do, with many of them missing."""
    frame = pd.DataFrame({"image": [f"{row}.jpg" for row in range(rows)]})
    common = rng.random(rows)
    for name, head in heads.items():
        rank = np.where(rng.random(rows) < 0.5, common, rng.random(rows))
        if isinstance(head, RegressionHead):
            cells = list(100 * rank**3)
        elif isinstance(head, MultiLabelHead):
            chosen = rng.random((rows, len(head.names))) < rank[:, None] / np.arange(1, len(head.names) + 1)
            cells = [[tag for tag, yes in zip(head.names, row) if yes] for row in chosen]
        else:
            cells = [head.names[int(place)] for place in len(head.names) * rank**2]
            if name.startswith("soft"):
                cells = [(1.0, 0.5, *[0.0] * (len(head.names) - 2)) if c == head.names[0] else c for c in cells]
        frame[name] = pd.Series(cells, dtype=object)
        frame.loc[rng.random(rows) < missing, name] = None
    return LabelTable(frame, heads)


HEADS = {
    "one head": {"size": ClassificationHead(9)},
    "many kinds": {
        "size": ClassificationHead(8),
        "kids": BinaryHead(),
        "length": OrdinalHead(5),
        "soft": ClassificationHead(4),
        "tags": MultiLabelHead(["zip", "hood", "belt"]),
        "price": RegressionHead(),
    },
    "many heads": {f"head_{number}": ClassificationHead(2 + number % 5) for number in range(12)},
}


def counts(table: LabelTable) -> np.ndarray:
    """How many rows have each label of each head."""
    columns = []
    for name, targets in table.labels().items():
        head = table.heads[name]
        if isinstance(head, RegressionHead):  # its strata depend on the table they are counted in
            columns.append(np.array([head.labelled(targets).sum()]))
            continue
        strata = head.strata(targets).reshape(len(table), -1)
        labels = len(head.names) if strata.shape[1] == 1 else 2
        columns += [np.bincount(column[column >= 0], minlength=labels) for column in strata.T]
    return np.concatenate(columns)


def worst(table: LabelTable, parts: list[LabelTable], fractions: list[float]) -> float:
    """By how many rows a label's number in a part differs from its share, at most."""
    wanted = np.outer(fractions, counts(table))
    return float(np.abs(np.stack([counts(part) for part in parts]) - wanted).max())


# === Shares ===


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("fractions", SHARES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_every_label_of_every_head_keeps_its_share(heads, fractions, seed):
    """Within a row where there is one head, and within a few where a row must serve many heads at once."""
    table = random_table(np.random.default_rng(seed), 600, HEADS[heads])
    parts = split(table, fractions, seed=seed, identical=False)
    assert worst(table, parts, fractions) <= (1 if heads == "one head" else 4)
    assert np.abs([len(part) for part in parts] - 600 * np.array(fractions)).max() <= 3


@pytest.mark.parametrize("heads", ["many kinds", "many heads"])
def test_it_is_far_better_than_chance(heads):
    table = random_table(np.random.default_rng(5), 1500, HEADS[heads])
    errors, chance = [], []
    for seed in range(3):
        errors.append(worst(table, split(table, [0.8, 0.2], seed=seed, identical=False), [0.8, 0.2]))
        order = np.random.default_rng(seed).permutation(1500)
        chance.append(worst(table, [table.take(order[:1200]), table.take(order[1200:])], [0.8, 0.2]))
    assert np.mean(errors) < np.mean(chance) / 5


def test_each_part_of_a_numbers_range_keeps_its_share():
    table = random_table(np.random.default_rng(0), 500, {"price": RegressionHead()})
    tenths = np.nanquantile(table.labels()["price"], np.arange(11) / 10)
    train, valid = split(table, [0.8, 0.2], identical=False)
    for part, share in ((train, 0.8), (valid, 0.2)):
        wanted = share * np.histogram(table.labels()["price"], tenths)[0]
        assert np.abs(np.histogram(part.labels()["price"], tenths)[0] - wanted).max() <= 1.5


def test_one_label_a_row_as_in_fashionai():
    """Eight heads, each row labelled for one of them."""
    rng = np.random.default_rng(0)
    heads = {f"attribute_{number}": ClassificationHead(5 + number) for number in range(8)}
    table = random_table(rng, 2000, heads, missing=0.0)
    own = rng.choice(8, 2000, p=np.arange(1, 9) / 36)
    for number, name in enumerate(heads):
        table.frame.loc[own != number, name] = None
    for fractions in SHARES:
        assert worst(table, split(table, fractions, identical=False), fractions) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_shares_over_groups(seed):
    """Groups of one to ten rows leave less room; within the size of a group or so is what can be had."""
    rng = np.random.default_rng(seed)
    table = random_table(rng, 1200, HEADS["many kinds"])
    group = np.repeat(np.arange(1200), rng.integers(1, 11, 1200))[:1200]
    parts = split(table, [0.8, 0.2], group=group, seed=seed, identical=False)
    assert worst(table, parts, [0.8, 0.2]) <= 8
    assert abs(len(parts[0]) - 960) <= 10


def test_a_large_group_goes_where_there_is_room():
    table = random_table(np.random.default_rng(0), 100, {"kids": BinaryHead()})
    parts = split(table, [0.5, 0.3, 0.2], group=["a"] * 50 + ["b"] * 30 + ["c"] * 20, identical=False)
    assert [len(part) for part in parts] == [50, 30, 20]
    train, valid = split(table, [0.8, 0.2], group=["a"] * 60 + [None] * 40, identical=False)
    assert train.frame.index[:60].tolist() == list(range(60))
    assert abs(len(valid) - 20) <= 1


def test_without_labels_rows_are_split_all_the_same():
    table = LabelTable.of_images([f"{row}.jpg" for row in range(100)])
    assert [len(part) for part in split(table, [0.7, 0.2, 0.1])] == [70, 20, 10]


# === Rows ===


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("seed", range(2))
def test_every_row_is_in_exactly_one_part_in_its_old_order(heads, seed):
    table = random_table(np.random.default_rng(seed), 97, HEADS[heads])
    parts = split(table, [0.6, 0.3, 0.1], group=np.arange(97) // 3, seed=seed, identical=False)
    rows = [part.frame.index.tolist() for part in parts]
    assert sorted(row for part in rows for row in part) == list(range(97))
    assert all(part == sorted(part) for part in rows)
    assert all(part.heads == table.heads for part in parts)
    for part in parts:
        for name, targets in part.labels().items():
            np.testing.assert_array_equal(targets, table.labels()[name][part.frame.index])


@pytest.mark.parametrize("rows", [2, 3, 4, 7])
def test_no_part_of_a_small_table_is_empty(rows):
    table = random_table(np.random.default_rng(0), rows, {"kids": BinaryHead()})
    assert all(len(part) for part in split(table, [0.98, 0.02], identical=False))
    if rows > 2:
        assert all(len(part) for part in split(table, [0.9, 0.05, 0.05], identical=False))


# === Groups and copies ===


def test_groups_never_straddle():
    rng = np.random.default_rng(0)
    table = random_table(rng, 400, HEADS["many kinds"])
    table.frame["sender"] = pd.Series(rng.integers(0, 60, 400)).astype(object)
    table.frame.loc[::7, "sender"] = None
    for seed in range(3):
        parts = split(table, [0.7, 0.3], group="sender", seed=seed, identical=False)
        senders = [set(part.frame["sender"].dropna()) for part in parts]
        assert not senders[0] & senders[1]
        assert all(part.frame["sender"].isna().any() for part in parts)  # those without a value stand alone
        by_values = split(table, [0.7, 0.3], group=table.frame["sender"].tolist(), seed=seed, identical=False)
        assert [part.frame.index.tolist() for part in by_values] == [part.frame.index.tolist() for part in parts]


@pytest.fixture
def copies(tmp_path) -> LabelTable:
    """Sixty images of which the last twenty are copies of the first, under other names."""
    rng = np.random.default_rng(0)
    contents = [rng.bytes(100) for _ in range(40)]
    for row in range(60):
        (tmp_path / f"{row}.jpg").write_bytes(contents[row % 40])
    frame = pd.DataFrame({"image": [f"{row}.jpg" for row in range(60)], "kids": ["yes", "no", None] * 20})
    return LabelTable(frame, {"kids": BinaryHead()}, root=tmp_path)


def test_identical_images_never_straddle(copies):
    for seed in range(5):
        parts = split(copies, [0.6, 0.4], seed=seed)
        originals = [set(part.frame.index % 40) for part in parts]
        assert not originals[0] & originals[1]
    straddling = [
        set(first.frame.index % 40) & set(second.frame.index % 40)
        for first, second in (split(copies, [0.6, 0.4], seed=seed, identical=False) for seed in range(5))
    ]
    assert any(straddling)


def test_groups_and_copies_are_chained(copies):
    """Rows 0 and 40 are the same image, 40 and 41 are one sender's, 41 and 1 the same image."""
    group = [None] * 40 + [row // 10 for row in range(20)]
    for seed in range(5):
        for part in split(copies, [0.6, 0.4], group=group, seed=seed):
            rows = set(part.frame.index % 40)
            assert len(rows & set(range(10))) in (0, 10)
            assert len(rows & set(range(10, 20))) in (0, 10)


def test_the_same_path_twice_stays_together():
    table = LabelTable(
        pd.DataFrame({"image": ["a.jpg", "b.jpg"] * 10, "kids": ["yes", "no"] * 10}), {"kids": BinaryHead()}
    )
    for part in split(table, [0.5, 0.5]):
        assert part.frame["image"].nunique() == 1
        assert len(part) == 10


# === Seeds ===


@pytest.mark.parametrize("group", [None, "sender"])
def test_the_seed_decides(group):
    table = random_table(np.random.default_rng(0), 300, HEADS["many kinds"])
    table.frame["sender"] = np.arange(300) // 4
    first, again, other = (split(table, [0.8, 0.2], group, seed=seed, identical=False)[1] for seed in (3, 3, 4))
    assert first.frame.index.tolist() == again.frame.index.tolist()
    assert first.frame.index.tolist() != other.frame.index.tolist()


def test_numpys_own_generator_is_not_touched():
    table = random_table(np.random.default_rng(0), 50, {"kids": BinaryHead()})
    np.random.seed(0)
    before = np.random.random()
    np.random.seed(0)
    split(table, [0.8, 0.2], identical=False)
    assert np.random.random() == before


# === Refusals ===


@pytest.mark.parametrize(
    "fractions", [[1.0], [], [0.5, 0.4], [0.5, 0.6], [1.2, -0.2], [1.0, 0.0], [[0.5, 0.5]], [np.nan, 1]]
)
def test_wrong_fractions(fractions):
    with pytest.raises(ValueError, match="Expected at least two fractions above 0 whose sum is 1, received: "):
        split(LabelTable.of_images(["a", "b", "c"]), fractions)


def test_wrong_groups():
    table = LabelTable.of_images(["a", "b", "c"])
    with pytest.raises(TableError, match=r"^images: no column 'sender' to group by; the columns are: image"):
        split(table, [0.5, 0.5], group="sender")
    with pytest.raises(ValueError, match="Expected one group value for each of 3 rows, received: 2"):
        split(table, [0.5, 0.5], group=[1, 2])
    with pytest.raises(TableError, match=r"^images: cannot split 1 groups of rows that stay together into 2 parts"):
        split(table, [0.5, 0.5], group=[1, 1, 1])
    with pytest.raises(TableError, match="cannot split 3 rows into 4 parts"):
        split(table, [0.25] * 4, identical=False)
    with pytest.raises(TableError, match="cannot split 0 rows into 2 parts"):
        split(table.take([]), [0.5, 0.5], identical=False)


@pytest.mark.parametrize("groups", [None, 1500])
def test_most_of_a_large_table_is_dealt_out_blindly(monkeypatch, groups, rng):
    """The shares are kept far better than chance would, groups stay together, and the seed says how."""
    rows, heads = 4000, 12
    ids = np.where(rng.random((rows, heads)) < 0.5, -1, rng.choice(4, (rows, heads), p=[0.5, 0.3, 0.15, 0.05]))
    columns = {f"h{head}": pd.Categorical.from_codes(ids[:, head], list("abcd")) for head in range(heads)}
    frame = pd.DataFrame({"image": [f"{row}.jpg" for row in range(rows)], **columns})
    frame["group"] = np.arange(rows) if groups is None else rng.integers(groups, size=rows)
    table = LabelTable(frame, {name: ClassificationHead(list("abcd")) for name in columns})

    def badness(parts: list[LabelTable]) -> float:
        total = 0.0
        for part, share in zip(parts, [0.7, 0.2, 0.1], strict=True):
            for name, targets in table.labels().items():
                wanted = share * np.bincount(targets[targets >= 0], minlength=4)
                own = part.labels()[name]
                total += (np.square(np.bincount(own[own >= 0], minlength=4) - wanted) / wanted).sum()
        return total

    def chance() -> list[LabelTable]:
        sides = rng.choice(3, size=rows, p=[0.7, 0.2, 0.1])
        return [table.take(sides == side) for side in range(3)]

    monkeypatch.setattr(splitting, "MOST", 1000)
    parts = split(table, [0.7, 0.2, 0.1], group="group", seed=1, identical=False)
    again = split(table, [0.7, 0.2, 0.1], group="group", seed=1, identical=False)
    assert sorted(row for part in parts for row in part.frame.index) == list(range(rows))
    assert [part.frame.index.tolist() for part in parts] == [part.frame.index.tolist() for part in again]
    assert sum(part.frame["group"].nunique() for part in parts) == frame["group"].nunique()
    assert badness(parts) < 0.2 * badness(chance())
    np.testing.assert_allclose([len(part) for part in parts], [2800, 800, 400], rtol=0.01)
