"""Colours: contrast as WCAG defines it, colour vision as Machado et al. (2009) simulate it."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vae_explorer.figures import theme

Array = NDArray[np.float64]

# Severity 1 of each, from the paper's table; they act on linear RGB.
VISIONS: dict[str, list[list[float]]] = {
    "usual": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> Array:
    c = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, vision: str) -> Array:
    """CIELAB of what an eye of this kind sees, white D65."""
    seen = (np.array(VISIONS[vision]) @ linear(colour)).clip(0, 1)
    x, y, z = np.cbrt((XYZ @ seen / XYZ.sum(axis=1)).clip(0.00886))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def grounds() -> list[str]:
    config = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text())
    return [config["theme"][scheme]["backgroundColor"] for scheme in ("light", "dark")]


def test_the_grounds_are_the_pages() -> None:
    assert list(theme.GROUNDS) == grounds()


@pytest.mark.parametrize("count", [10, 50])
def test_every_class_stands_out_from_both_grounds(count: int) -> None:
    for colour in theme.class_colours(count):
        assert min(contrast(colour, ground) for ground in grounds()) >= 3, colour


@pytest.mark.parametrize(
    ("vision", "least"), [("usual", 24), ("protanopia", 13), ("deuteranopia", 13), ("tritanopia", 16)]
)
def test_ten_classes_are_told_apart(vision: str, least: float) -> None:
    seen = [lab(colour, vision) for colour in theme.CLASSES]
    distances = [float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)]
    assert min(distances) > least  # 2.3 is just noticeable


def test_classes_of_one_colour_have_other_marks() -> None:
    classes = list(zip([k % 10 for k in range(50)], theme.class_marks(50), strict=True))
    assert len(set(classes)) == 50
    assert theme.class_marks(10) == theme.MARKS
    assert len(set(theme.class_colours(50))) == 50
