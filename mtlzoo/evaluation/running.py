"""The network's one pass over images: from whatever they come in to an array of outputs for each head."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mtlzoo.data import LabelTable, image_dataset
from mtlzoo.errors import ImageError, TableError
from mtlzoo.evaluation.inputs import InMemory, is_array, read_images
from mtlzoo.evaluation.views import check_test_time_augmentation
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import load_batch
from mtlzoo.models.image_range import warn_if_scaled
from mtlzoo.models.known_images import DISTANCE, KnownImages
from mtlzoo.system.cores import available_cores
from mtlzoo.system.pipeline_errors import plain_errors

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel

Images = Any
"""Whatever `mtlzoo.evaluation.inputs` knows."""


class Run(NamedTuple):
    """What one pass over images gives.

    Attributes:
        outputs: Arrays by the name of the head, in the order of the heads, rows on the first axis.
        geometry: Where the input space of each row lies in its image.
        names: What each image is called; `None` for an array of images, which have no names.
        table: The table that the images were given as, if they were.
        unusual: How unlike the images that the model knows each image is, float32 `(rows,)`, if it knows some.
    """

    outputs: dict[str, np.ndarray]
    geometry: ImageGeometry
    names: list[str] | None
    table: LabelTable | None = None
    unusual: np.ndarray | None = None


def run_model(
    model: MultiTaskModel,
    images: Images,
    batch_size: int = 32,
    fetch: bool = False,
    test_time_augmentation: str | None = None,
) -> Run:
    """Run a model over images once; arguments and errors are those of :meth:`Predictions.from_model`."""
    network, known = stand_in(model, check_test_time_augmentation(test_time_augmentation) is not None)
    return run_knowing(network, known, images, batch_size, fetch)


def stand_in(model: MultiTaskModel, flipped: bool = False) -> tuple[Any, KnownImages | None]:
    """What predicts in place of a model, and the images that it knows, the distance from which it puts out as well.

    Args:
        model: The model.
        flipped: Whether it is shown the mirror image too.

    Raises:
        TypeError: If the model has no heads.
    """
    from mtlzoo.evaluation.measuring import Measured
    from mtlzoo.evaluation.mirrored import FlippedToo
    from mtlzoo.models.multitask import check_model

    check_model(model)
    measured = Measured.of(model)
    known = None if measured is None else measured.made_of[0]
    if flipped:
        return FlippedToo(model, measured), known
    return (model if measured is None else measured), known


def load_inputs(model: MultiTaskModel, images: Images, fetch: bool = False) -> np.ndarray:
    """Images as the model sees them, all at once: for a few.

    Args:
        model: The model.
        images: As for `mtl.predict`.
        fetch: Whether images may be addresses of the web.

    Returns:
        `(rows, height, width, channels)` of the model's size, 0 to 255.
    """
    *image_size, channels = model.input_shape[1:]
    given, regions = read_images(images, model.input_shape[1:], fetch), None
    sources: list[Any]
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, LabelTable):
        sources, regions = given.paths(), given.regions()
    else:
        sources = [image.source for image in given]
    return load_batch(sources, image_size, resize=model.resize, regions=regions, channels=channels)[0]


def run_knowing(
    network: Any, known: KnownImages | None, images: Images, batch_size: int = 32, fetch: bool = False
) -> Run:
    """As :func:`run_network`, of a network that puts out the distance from known images as well.

    Args:
        network: What predicts.
        known: The images that it knows; `None` for none, and it puts out no distance.
        images: As for `mtl.predict`.
        batch_size: Rows at a time.
        fetch: Whether images may be addresses of the web.
    """
    run = run_network(network, images, batch_size, fetch)
    outputs, unusual = split_distances(run.outputs, known)
    return run._replace(outputs=outputs, unusual=unusual)


def split_distances(
    outputs: Mapping[str, np.ndarray], known: KnownImages | None
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """The outputs of the heads, and how unusual the images are, if there are some that are known."""
    of_heads = {name: output for name, output in outputs.items() if name != DISTANCE}
    return of_heads, None if known is None else known.unusual(np.asarray(outputs[DISTANCE])[:, 0])


def run_network(network: Any, images: Images, batch_size: int = 32, fetch: bool = False) -> Run:
    """Run a model, or what stands for one where it predicts: with `heads`, `input_shape`, `resize` and its two methods.

    Args:
        network: Such as :class:`mtlzoo.evaluation.mirrored.FlippedToo`, or what has `predict_on_batch` alone and needs no
            TensorFlow, :class:`mtlzoo.serving.Predictor`.
        images: As for `mtl.predict`.
        batch_size: Rows at a time.
        fetch: Whether images may be addresses of the web.
    """
    model = network
    given = read_images(images, model.input_shape[1:], fetch)
    if isinstance(given, LabelTable):
        outputs, geometry = _run_table(model, given, batch_size)
        return Run(outputs, geometry, list(given.frame["image"]), images if isinstance(images, LabelTable) else None)
    if isinstance(given, np.ndarray):
        names = [f"image {row}" for row in range(len(given))]
        outputs = _run_batch(model, given, batch_size)
        geometry = ImageGeometry.whole([given.shape[1:3]] * len(given), given.shape[1:3])
    else:
        outputs, geometry, names = _run_stream(model, given, batch_size)
    return Run(outputs, geometry, None if is_array(images) else names)


def _run_table(model: Any, table: LabelTable, batch_size: int) -> tuple[dict[str, np.ndarray], ImageGeometry]:
    shape = model.input_shape[1:]
    if not len(table):
        raise TableError(f"{table.source}: no rows.")
    if len(table) == 1 or not hasattr(model, "predict"):
        return _run_rows(model, table, batch_size)
    geometry = ImageGeometry.empty(len(table), shape[:2])
    dataset = image_dataset(
        table, shape[:2], batch_size, resize=model.resize, labels=False, channels=shape[2], geometry=geometry
    )
    with plain_errors():
        return _by_head(model, model.predict(dataset, verbose=0)), geometry


def _run_rows(model: Any, table: LabelTable, batch_size: int) -> tuple[dict[str, np.ndarray], ImageGeometry]:
    """Batch by batch without TensorFlow's pipeline; the next ones are decoded while the network runs on one."""
    *image_size, channels = model.input_shape[1:]
    paths, regions = table.paths(), table.regions()

    def load(start: int) -> tuple[np.ndarray, ImageGeometry]:
        rows = slice(start, start + batch_size)
        within = None if regions is None else regions[rows]
        return load_batch(paths[rows], image_size, resize=model.resize, regions=within, channels=channels)

    loads = (partial(load, start) for start in range(0, len(table), batch_size))
    return _run_loads(model, loads, image_size)


def _run_loads(
    model: Any, loads: Iterator[Callable[[], tuple[np.ndarray, ImageGeometry]]], image_size: Sequence[int]
) -> tuple[dict[str, np.ndarray], ImageGeometry]:
    """The outputs for batches that are loaded a few ahead."""
    outputs, geometries = [], []
    with ThreadPoolExecutor(available_cores()) as pool:
        waiting: deque[Future[tuple[np.ndarray, ImageGeometry]]] = deque()
        while True:
            while len(waiting) <= available_cores() and (load := next(loads, None)):
                waiting.append(pool.submit(load))
            if not waiting:
                break
            loaded, geometry = waiting.popleft().result()
            outputs.append(_by_head(model, model.predict_on_batch(loaded)))
            geometries.append(geometry)
    joined = ImageGeometry(
        np.concatenate([geometry.matrices for geometry in geometries]),
        np.concatenate([geometry.sizes for geometry in geometries]),
        (image_size[0], image_size[1]),
    )
    return {name: np.concatenate([batch[name] for batch in outputs]) for name in outputs[0]}, joined


def _run_stream(
    model: Any, images: Iterator[InMemory], batch_size: int
) -> tuple[dict[str, np.ndarray], ImageGeometry, list[str]]:
    """Batch by batch; the next ones are decoded while the network runs on one."""
    *image_size, channels = model.input_shape[1:]

    def load(batch: list[InMemory]) -> tuple[np.ndarray, ImageGeometry]:
        sources: list[Any] = [image.source for image in batch]  # contents of files, or paths
        try:
            return load_batch(sources, image_size, resize=model.resize, channels=channels)
        except ImageError as error:
            if error.path is None and len(batch) == 1:
                raise ImageError(error.reason, batch[0].name) from None
            for image in batch if error.path is None else ():
                load([image])  # alone, the broken one is named
            raise

    names: list[str] = []

    def loads() -> Iterator[Callable[[], tuple[np.ndarray, ImageGeometry]]]:
        while batch := list(itertools.islice(images, batch_size)):
            names.extend(image.name for image in batch)
            yield partial(load, batch)

    outputs, geometry = _run_loads(model, loads(), image_size)
    return outputs, geometry, names


def _run_batch(model: Any, batch: np.ndarray, batch_size: int) -> dict[str, np.ndarray]:
    if len(batch) > batch_size and hasattr(model, "predict"):
        return _by_head(model, model.predict(batch, batch_size=batch_size, verbose=0))
    # `predict` sets up a whole input pipeline, which takes ten times as long as the network for a single image.
    warn_if_scaled(batch)
    return _by_head(model, model.predict_on_batch(batch))


def _by_head(model: Any, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays in the order of the heads, which Keras does not keep; the distance from known images last."""
    names = [*model.heads, *([DISTANCE] if DISTANCE in outputs and DISTANCE not in model.heads else [])]
    return {name: np.asarray(outputs[name]) for name in names}
