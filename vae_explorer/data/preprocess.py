"""A picture from outside, made into what the images of a data set are: the data sets' own recipes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from vae_explorer.data.images import DataError

Grey = NDArray[np.uint8]

RING = 0.04  # share of the shorter side that counts as the picture's border
CLEAR = 8  # grey levels between which a tone counts as even
DARK, LIGHT = 96, 160  # a border below is dark, one above is light; between them neither
INK = 0.25  # share of full ink from which a pixel belongs to the strokes
BLURRED = 0.15  # the same after the blur of EMNIST


class Prepared(NamedTuple):
    """A picture as a model sees it."""

    pixels: Grey  # (H, W), or (H, W, 3)
    steps: tuple[str, ...]  # what was done, in words and in order


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a data set's images were made.

    Arguments:
        fit: Cuts, scales and places ink on black; returns the image and what it did, in words.
        strokes: Whether the images are strokes on an empty ground, which an uneven paper is cleared to.
        source: Where the recipe is published, or what it was read from.
    """

    fit: Callable[[Grey, tuple[int, int]], Prepared]
    strokes: bool
    source: str


def preprocess(picture: Grey, name: str, shape: tuple[int, int], ground: int = 0) -> Prepared:
    """Returns a picture preprocessed as the images of a data set were.

    Arguments:
        picture: Grey levels of any size, with shape `(h, w)`.
        name: The data set; one without a recipe of its own is fitted into the frame as it is.
        shape: Height and width of the data set's images, in pixels.
        ground: The grey level that the border of the data set's images has.

    Returns:
        The image, with shape `shape`, and the steps in words.

    Raises:
        DataError: If there is nothing to see in the picture.
    """
    _demand_contrast(picture)
    recipe = RECIPES.get(name)
    steps = []
    inverted = _opposite(_border(picture), ground)
    if inverted:
        picture, steps = 255 - picture, ["inverted"]
    if recipe and recipe.strokes:
        cleared = _without_paper(picture)
        steps += ["paper removed"] if (cleared != picture).any() else []
        picture = cleared
    fitted = recipe.fit(picture, shape) if recipe else _whole(picture, shape, ground)
    return Prepared(fitted.pixels, (*steps, *fitted.steps))


def preprocess_colours(picture: Grey, shape: tuple[int, int], ground: int = 0) -> Prepared:
    """Returns a picture in colours `(h, w, 3)`, all of it fitted into the frame: no recipe knows of colours.

    Raises:
        DataError: If there is nothing to see in the picture.
    """
    _demand_contrast(picture)
    fitted = [_whole(np.ascontiguousarray(picture[..., k]), shape, ground) for k in range(3)]
    return Prepared(np.dstack([each.pixels for each in fitted]), fitted[0].steps)


def _demand_contrast(picture: Grey) -> None:
    if picture.size == 0 or int(picture.max()) - int(picture.min()) < CLEAR:
        raise DataError("There is nothing in this picture but one even tone. Draw something, or open another image.")


def ground_of(pixels: Grey) -> int:
    """Returns the grey level of the images' border, the median over images `(N, H, W)`."""
    rows, columns = pixels[:, [0, -1], :], pixels[:, :, [0, -1]]
    return int(np.median(np.concatenate([rows.ravel(), columns.ravel()])))


def _border(picture: Grey) -> Grey:
    width = max(1, round(RING * min(picture.shape)))
    inner = np.zeros(picture.shape, bool)
    inner[width:-width, width:-width] = True
    return picture[~inner]


def _opposite(border: Grey, ground: int) -> bool:
    """Says whether the picture's ground is light where the data's is dark, or the other way round."""
    tone = float(np.median(border))
    return (tone > LIGHT and ground < DARK) or (tone < DARK and ground > LIGHT)


def _without_paper(picture: Grey) -> Grey:
    """Takes the tone of the border as no ink and the strongest ink as full ink; a clean drawing stays as it is."""
    border, high = _border(picture).astype(float), float(picture.max())
    tone = float(np.median(border))
    low = min(tone + 3 * float(np.median(np.abs(border - tone))), high - CLEAR)  # medians: strokes may cross the border
    if low < CLEAR and high > 255 - CLEAR:
        return picture
    cleared: Grey = np.rint(255 * ((picture - low) / (high - low)).clip(0, 1)).astype(np.uint8)
    return cleared


def _cut(picture: Grey, share: float = INK) -> Grey:
    """Returns the picture's part that holds all ink."""
    ink = picture >= share * picture.max()
    (rows,), (columns,) = np.nonzero(ink.any(1)), np.nonzero(ink.any(0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(picture: Grey, height: int, width: int) -> Grey:
    """Scales with anti-aliasing: smaller by the mean over each pixel's area, larger by cubics."""
    smaller = picture.shape[0] >= height and picture.shape[1] >= width
    method = Resampling.BOX if smaller else Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((width, height), method))


def _fitting(picture: Grey, height: int, width: int) -> tuple[int, int]:
    """Returns the largest size within a frame that has the picture's proportions."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    return tuple(max(1, round(scale * side)) for side in picture.shape)


def _placed(picture: Grey, shape: tuple[int, int], top: float, left: float, ground: int = 0) -> Grey:
    """Puts a picture that fits on an even ground, on whole pixels, as near the wanted corner as the frame allows."""
    height, width = picture.shape
    at = (int(np.clip(np.rint(top), 0, shape[0] - height)), int(np.clip(np.rint(left), 0, shape[1] - width)))
    frame = np.full(shape, ground, np.uint8)
    frame[at[0] : at[0] + height, at[1] : at[1] + width] = picture
    return frame


def _in_the_middle(picture: Grey, shape: tuple[int, int], ground: int = 0) -> Grey:
    return _placed(picture, shape, (shape[0] - picture.shape[0]) / 2, (shape[1] - picture.shape[1]) / 2, ground)


def _whole(picture: Grey, shape: tuple[int, int], ground: int = 0) -> Prepared:
    """Fits all of the picture, uncut, into the frame."""
    pixels = _in_the_middle(_resized(picture, *_fitting(picture, *shape)), shape, ground)
    return Prepared(pixels, (f"scaled to {_size(shape)}",))


def _by_mass(picture: Grey, shape: tuple[int, int]) -> Prepared:
    """Fits the ink into 20 of 28 pixels and moves its centre of mass to the middle pixel, as MNIST has it."""
    box = (round(shape[0] * 20 / 28), round(shape[1] * 20 / 28))
    cut = _cut(picture)
    small = _resized(cut, *_fitting(cut, *box))
    mass = small / small.sum(dtype=float)
    top = shape[0] // 2 - float(mass.sum(1) @ np.arange(small.shape[0]))
    left = shape[1] // 2 - float(mass.sum(0) @ np.arange(small.shape[1]))
    steps = (f"scaled to {_size(box)}", f"centred by mass in {_size(shape)}")
    return Prepared(_placed(small, shape, top, left), steps)


def _blurred(picture: Grey, shape: tuple[int, int]) -> Prepared:
    """Softens the edges, fits the ink into a square with a clear border of two pixels, and scales by cubics."""
    from scipy.ndimage import gaussian_filter

    sigma = max(picture.shape) / 128
    soft = gaussian_filter(np.pad(picture, round(4 * sigma)).astype(float), sigma)
    cut = _cut(np.rint(255 * soft / soft.max()).astype(np.uint8), BLURRED)
    height, width = _fitting(cut, shape[0] - 4, shape[1] - 4)
    small = np.asarray(Image.fromarray(cut).resize((width, height), Resampling.BICUBIC)).astype(float)
    pixels = _in_the_middle(np.rint(255 * small / small.max()).astype(np.uint8), shape)
    return Prepared(pixels, ("edges softened", f"scaled to {shape[0] - 4} \u00d7 {shape[1] - 4}", "box centred"))


def _filling(picture: Grey, shape: tuple[int, int]) -> Prepared:
    """Scales what is not empty to the frame's longest side, and puts it in the middle."""
    cut = _cut(picture, 0.05)
    pixels = _in_the_middle(_resized(cut, *_fitting(cut, *shape)), shape)
    return Prepared(pixels, ("cut to its outline", f"longest side {max(shape)}", "box centred"))


def _counted(picture: Grey, shape: tuple[int, int]) -> Prepared:
    """Counts the ink of a bitmap of 32 x 32, in which it is 32 high and up to 20 wide, in blocks of 4 x 4."""
    rows, columns = 4 * shape[0], 4 * shape[1]
    cut = _cut(picture)
    width = max(1, round(min(columns * 20 / 32, rows * cut.shape[1] / cut.shape[0])))
    bitmap = _in_the_middle(_resized(cut, rows, width), (rows, columns)) >= 128
    counts = bitmap.reshape(shape[0], 4, shape[1], 4).sum((1, 3))
    steps = (f"scaled to {width} \u00d7 {rows}", f"counted in {_size(shape)} blocks")
    return Prepared(np.rint(counts * (255 / 16)).astype(np.uint8), steps)


def _size(shape: tuple[int, int]) -> str:
    """Width and height, as one says them."""
    return f"{shape[1]} \u00d7 {shape[0]}"


RECIPES = {
    "mnist": Recipe(
        fit=_by_mass,
        strokes=True,
        source="LeCun et al., Gradient-based learning applied to document recognition, 1998",
    ),
    "emnist": Recipe(
        fit=_blurred,
        strokes=True,
        source="Cohen et al., EMNIST: an extension of MNIST to handwritten letters, 2017, figure 1",
    ),
    "kmnist": Recipe(
        fit=_filling,
        strokes=True,
        source="not published in detail (Clanuwat et al., 2018): characters cut from a page fill the frame",
    ),
    "fashion-mnist": Recipe(
        fit=_filling,
        strokes=False,
        source="Xiao et al., Fashion-MNIST, 2017, section 2; but for its sharpening",
    ),
    "digits": Recipe(
        fit=_counted,
        strokes=True,
        source="Alpaydin and Kaynak, Optical recognition of handwritten digits, 1998; the 20 x 32 read from the data",
    ),
}
