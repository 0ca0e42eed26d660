"""Images that are nearly the same: found by their perceptual hashes, then verified on their pixels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mtlzoo.auditing.looking import Looks
from mtlzoo.images.fingerprints import BITS, look, pixel_distance

BAND = 16  # bits: two images are compared where so many bits in a row are the same
NEIGHBOURS = 32  # so many images with the same band, in the order of the whole hash, are compared with each
MOST_BITS = 40  # of 256, by which hashes of nearly the same image differ
ALIKE = 0.25  # parts of their contrast by which thumbnails differ, before images are decoded again
NEAR = 0.12  # parts of the contrast, see `pixel_distance`
BLANK = 4.0  # contrast below which all images look alike
KEPT = 4096  # looks in memory, 12 KiB each


def near_groups(paths: list[str], looks: Looks, alone: np.ndarray) -> tuple[np.ndarray, dict[int, float]]:
    """Groups of rows that show the same image, or nearly.

    Hashes are cut into bands, and those that share one are compared, as in locality-sensitive hashing (Indyk and Motwani
    1998). The work grows with the number of rows alone, even if all images look alike: of those that share a band each is
    compared with its 32 next in the order of the hash.

    Args:
        paths: Where each row's image lies.
        looks: What the images look like.
        alone: bool `(rows,)`, rows that are compared by their bytes alone.

    Returns:
        int64 `(rows,)`, the same number for rows of one group; and for rows that are near to another one and not the same
        bytes the distance to it.
    """
    groups = looks.content.copy()
    distances: dict[int, float] = {}
    first = np.unique(looks.content, return_index=True)[1]
    fit = first[(looks.sizes[first, 0] > 0) & (looks.contrast[first] >= BLANK) & ~alone[first]]
    parents = np.arange(groups.max(initial=-1) + 1)

    def root(group: int) -> int:
        while parents[group] != group:
            parents[group] = parents[parents[group]]
            group = parents[group]
        return int(group)

    seen = lru_cache(KEPT)(look)
    for row, other in _candidates(looks.bits[fit], looks.thumbnails[fit]):
        one, two = int(fit[row]), int(fit[other])
        if root(groups[one]) == root(groups[two]):
            continue
        mine, its = seen(paths[one]), seen(paths[two])
        if mine is None or its is None:
            continue
        distance = pixel_distance(mine, its)
        if distance <= NEAR:
            parents[root(groups[two])] = root(groups[one])
            for near in (one, two):
                distances[near] = min(distance, distances.get(near, distance))
    return np.array([root(group) for group in groups], "int64"), distances


def _candidates(bits: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Pairs whose hashes and thumbnails differ little, int64 `(pairs, 2)`, in the order of their rows."""
    if len(bits) < 2:
        return np.empty((0, 2), "int64")
    words = np.ascontiguousarray(bits).view("uint64")
    bands = np.ascontiguousarray(bits).view("uint16")
    found = []
    for band in range(BITS // BAND):
        order = np.lexsort((*words.T, bands[:, band]))
        keys, sorted_words = bands[order, band], words[order]
        for step in range(1, min(NEIGHBOURS, len(bits) - 1) + 1):
            same = np.flatnonzero(keys[step:] == keys[:-step])
            if not len(same):
                break  # no band has so many
            differ = np.bitwise_count(sorted_words[same] ^ sorted_words[same + step]).sum(axis=1)
            close = same[differ <= MOST_BITS]
            pairs = np.sort(np.stack([order[close], order[close + step]], axis=1), axis=1)
            found.append(pairs[_alike(thumbnails, pairs)])
    return np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), "int64")


def _alike(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which pairs of thumbnails differ little; without this, images of one simple make would all be decoded again."""
    one, other = (thumbnails[pairs[:, side]].astype("float32") for side in (0, 1))
    contrast = np.sqrt((one.var(axis=1) + other.var(axis=1)) / 2)
    away = np.sqrt(np.square(one - other).mean(axis=1))
    return np.asarray(away <= ALIKE * contrast + 1)
