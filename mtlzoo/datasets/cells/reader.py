"""The photographs of blood cells that come with the package."""

from __future__ import annotations

from pathlib import Path

from mtlzoo.data.packing import read_packed
from mtlzoo.data.table import LabelTable

PACKED = Path(__file__).with_name("packed")


def blood_cells() -> LabelTable:
    """2,001 photographs of single blood cells with 13 questions, most of which have rows without an answer.

    They come with the package, so that nothing is downloaded: microscope photographs of 96 pixels with one cell each.
    `cell_type` is known of every cell, `stage` of neutrophils and most immature granulocytes, and the eleven attributes
    (`cell_size`, `cell_shape`, `nucleus_shape`, `nuclear_cytoplasmic_ratio`, `chromatin_density`, `cytoplasm_vacuole`,
    `cytoplasm_texture`, `cytoplasm_colour`, `granule_type`, `granule_colour`, `granularity`) of the five mature types of
    white blood cells.

    The table has the split that was published with the attributes: `table.parts()` gives 1,195 rows to train on, 199 to
    choose by and 607 to report on. Cells without attributes (erythroblasts, platelets, immature granulocytes) have no
    published part; the content of their files says it, in the same fractions (`mtl.data.split_by_content`). The rows are
    a sample of the published set in which every class of every question keeps its fraction of each part
    (`scripts/bundle_blood_cells.py` made it), so results are near those of the whole set and not equal to them. No
    identifier of patients was published: images of one person may be on both sides of the split. Class names say what an
    annotator saw; the set is for trying out software, not for diagnosis.

    Images and `cell_type`: Acevedo et al., "A dataset for microscopic peripheral blood cell images for development of
    automatic recognition systems", Data in Brief 30 (2020) 105474, CC BY 4.0. Attributes and split: Tsutsui, Pang and Wen,
    "WBCAtt: A White Blood Cell Dataset Annotated with Detailed Morphological Attributes", NeurIPS 2023, MIT. See `NOTICE`.

    Returns:
        The table.

    Example:

    ```python
    train, valid, test = mtl.datasets.blood_cells().parts()
    print(train.describe())
    ```
    """
    return read_packed(PACKED)
