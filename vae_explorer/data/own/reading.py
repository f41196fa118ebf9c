"""How an upload is to be read: what its user may choose, each a field with a few words and a default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from vae_explorer.checked import words
from vae_explorer.data.own.values import Values

Fit = Literal["pad", "crop"]
Ground = Literal["black", "white"]
Order = Literal["auto", "first", "last"]
Size = tuple[int, int]  # height and width, pixels


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How an upload is to be read. None and empty texts are guessed.

    Arguments:
        fit: What becomes of images of another shape than the data set's: wholly inside, or filled and cut.
        ground: What is seen behind transparent pixels and beside padded images.
        tile: Height and width of a sheet's tiles, in pixels; guessed unless given.
        gap: Pixels between a sheet's tiles; none if a tile is given, else looked for.
        values: Whether values are spread over all grey levels: where they fill little of them, always, or never.
        order: Which axis of an array counts the images.
        classes: The key of one of the upload's `class_options`; the likeliest unless given.
        group: The key of one of the upload's `group_options`, whose images are kept in one part.
    """

    fit: Annotated[Fit, words("images of other shapes: whole with a margin, or cut")] = "pad"
    ground: Annotated[Ground, words("behind transparent pixels and in margins")] = "black"
    tile: Annotated[Size | None, words("height and width of a sheet's tiles (default: guessed)")] = None
    gap: Annotated[int | None, words("pixels between a sheet's tiles (default: guessed)")] = None
    values: Annotated[Values, words("spread over all grey levels where they fill few of them, always, or never")] = (
        "auto"
    )
    order: Annotated[Order, words("which axis of an array counts the images")] = "auto"
    classes: Annotated[
        str,
        words("`folder 1`, `folders`, `names`, `column NAME` or `none` (default: the likeliest)"),
    ] = ""
    group: Annotated[str, words("the same: whose images stay in one part (default: none)")] = ""
