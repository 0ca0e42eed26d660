"""The attributes of the FashionAI data set, with their values in the competition's order."""

from __future__ import annotations

__all__ = ["FASHIONAI_ATTRIBUTES"]

FASHIONAI_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "coat_length": (
        "Invisible",
        "High Waist Length",
        "Regular Length",
        "Long Length",
        "Micro Length",
        "Knee Length",
        "Midi Length",
        "Ankle&Floor Length",
    ),
    "collar_design": ("Invisible", "Shirt Collar", "Peter Pan", "Puritan Collar", "Rib Collar"),
    "lapel_design": ("Invisible", "Notched", "Collarless", "Shawl Collar", "Plus Size Shawl"),
    "neck_design": ("Invisible", "Turtle Neck", "Ruffle Semi-High Collar", "Low Turtle Neck", "Draped Collar"),
    "neckline_design": (
        "Invisible",
        "Strapless Neck",
        "Deep V Neckline",
        "Straight Neck",
        "V Neckline",
        "Square Neckline",
        "Off Shoulder",
        "Round Neckline",
        "Sweat Heart Neck",
        "One Shoulder Neckline",
    ),
    "pant_length": ("Invisible", "Short Pant", "Mid Length", "3/4 Length", "Cropped Pant", "Full Length"),
    "skirt_length": ("Invisible", "Short Length", "Knee Length", "Midi Length", "Ankle Length", "Floor Length"),
    "sleeve_length": (
        "Invisible",
        "Sleeveless",
        "Cup Sleeves",
        "Short Sleeves",
        "Elbow Sleeves",
        "3/4 Sleeves",
        "Wrist Length",
        "Long Sleeves",
        "Extra Long Sleeves",
    ),
}
"""Head name -> value names. Letter `i` of a label string (`"nnynnnnn"`) speaks of value `i`.

In the CSV files the attribute is called `<head>_labels`, for instance `coat_length_labels`. The odd names
("Cup Sleeves", "Sweat Heart Neck") are the competition's own.

Source: FashionAI "Attributes Recognition of Apparel" challenge, 2018; Zou et al., "FashionAI: A Hierarchical Dataset
for Fashion Understanding", CVPR workshops, 2019.
"""
