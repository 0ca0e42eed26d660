"""Pages in one file: what is escaped, what is sorted by, what may be loaded."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mtlzoo.html import details, figure, image, page, paragraph, section, table

NASTY = "<script>alert(\"x\")</script> & 'more'"


def test_text_is_escaped_wherever_it_stands():
    frame = pd.DataFrame({NASTY: [NASTY]}, index=pd.Index([NASTY], name=NASTY))
    pixels = image(np.zeros((4, 4, 3), np.uint8), NASTY)
    text = page(NASTY, section(NASTY, paragraph(NASTY, NASTY), table(frame, caption=NASTY), pixels), lead=NASTY)
    text += details(NASTY)
    assert "alert(&quot;x&quot;)" in text
    assert "<script>alert" not in text
    assert text.count("<script>") == 1


def test_a_page_loads_nothing():
    text = page("Cells", section("One", paragraph("text")), section("And two", paragraph("text")))
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", text)
    assert '<nav><a href="#one">One</a><a href="#and-two">And two</a></nav>' in text


def test_tables_sort_by_values_and_not_by_what_is_shown():
    frame = pd.DataFrame({"rows": [1200, 3], "score": [0.12345, np.nan], "name": ["b", None]}, index=["one", "two"])
    text = table(frame.rename_axis("head"), {"score": ".2f"})
    assert '<td class="number" data-value="1200.0">1,200</td>' in text
    assert '<td class="number" data-value="0.12345">0.12</td>' in text
    assert '<td class="number" data-value="">&ndash;</td>' in text
    assert '<th scope="row">one</th>' in text
    assert '<th scope="col"><button type="button">head</button></th>' in text


def test_a_plain_count_is_no_column_and_html_stays():
    text = table(pd.DataFrame({"image": ["<b>x</b>"], "label": ["<b>x</b>"]}), html=["image"])
    assert "<td><b>x</b></td><td>&lt;b&gt;x&lt;/b&gt;</td>" in text
    assert "row" not in text.replace("</tr>", "").replace("<tr>", "")


def test_unknown_columns_are_named():
    with pytest.raises(ValueError, match="received: nothing; there are a"):
        table(pd.DataFrame({"a": [1]}), {"nothing": ".2f"})


def test_images_lie_in_the_page():
    pixels = np.zeros((4, 6, 3), np.uint8)
    assert image(pixels, "black", height=40).startswith('<img src="data:image/jpeg;base64,')
    assert 'alt="black" height="40"' in image(pixels, "black", height=40)
    with pytest.raises(ValueError, match="uint8 pixels"):
        image(pixels / 255, "black")
    with pytest.raises(ValueError, match="bytes of a JPEG"):
        image(b"<svg>", "no")


def test_plots_are_the_same_file_every_time():
    def drawn() -> str:
        plot = Figure()
        plot.add_subplot().plot([1, 2, 3])
        return figure(plot, "a line", caption="It rises.")

    assert drawn() == drawn()
    assert "<figcaption>It rises.</figcaption>" in drawn()
