"""One view of two models beside each other, and what both allow. Nothing here knows Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vae_explorer.ui.state.codecs import Seen
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtImage, AtPlace, Point, image_of

SIDES = ("left", "right")
LINKS = ("image", "point")
TABS = ("sample", "path", "gaps", "class", "draw", "table")
SPACES = ("prior", "fitted", "mixture")
CLASS = "class"  # the field of classes, beside those of gaps
USUAL_FIELD = "round_trip"
SPOTS = 8  # worst spots of a side at most
NO_MIXTURE = "A mixture of Gaussians is fitted to the codes of autoencoders: python -m vae_explorer gaps NAME."
NO_GAPS = "A field is of a plane: it is shown where both models have two latent axes."


@dataclass(frozen=True)
class OnSide:
    """A point, and the side on which it was chosen: a place is one of that side's model."""

    side: str
    point: Point


Spot = tuple[str, int]  # a side, and which of its worst spots, from 1
FIRST_IMAGE = OnSide(SIDES[0], AtImage(0))


@dataclass(frozen=True, kw_only=True)
class DuelView:
    """One view of two models beside each other.

    Arguments:
        left: The left checkpoint's name.
        right: The right one's.
        beta: The KL weight of those that have one to set; None where none has.
        link: What the sides share: the image, where one is chosen, or always the place, in units of their codes'
            standard deviation.
        point: The point that was chosen, and on which side.
        hidden: Classes that are not drawn.
        marks: How classes are told apart beside their colours.
        ends: The images that the walk goes from and to.
        spaces: What each side is sampled from.
        seed: Of the draws.
        field: The field of the plane that is shown, if any: of gaps, or of classes.
        spot: Which worst spot was chosen, if one was.
        towards: The class that a counterfactual is searched for; None for any other.
        windows: Centre and half width of the visible part of each map, `(x, y, half)`; None for all of it.
        tab: What stands below the images.
    """

    left: str
    right: str
    beta: float | None = None
    link: str = LINKS[0]
    point: OnSide = FIRST_IMAGE
    hidden: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    ends: tuple[int, int] = (0, 1)
    spaces: tuple[str, str] = (SPACES[0], SPACES[0])
    seed: int = 0
    field: str | None = None
    spot: Spot | None = None
    towards: int | None = None
    windows: tuple[Seen | None, Seen | None] = (None, None)
    tab: str = TABS[0]

    @property
    def side(self) -> str:
        return self.point.side

    @property
    def image(self) -> int | None:
        """The image that was chosen; None where a place was."""
        return image_of(self.point.point)

    @property
    def place(self) -> tuple[float, ...] | None:
        """The place that was chosen, on all axes of its side's model; None where an image was."""
        return self.point.point.z if isinstance(self.point.point, AtPlace) else None


@dataclass(frozen=True, kw_only=True)
class DuelLimits:
    """What two checkpoints and their images allow.

    Arguments:
        sides: Each side's own limits; both have the same images.
        mixtures: Which sides have a mixture of Gaussians to be sampled from.
        fields: The fields that there are; none where a model has no plane.
    """

    sides: tuple[Limits, Limits]
    fields: tuple[str, ...]
    mixtures: tuple[bool, bool] = (False, False)

    def has(self, spaces: Sequence[str]) -> bool:
        """Says whether each side can be sampled from what it is to be."""
        return all(space != "mixture" or has for space, has in zip(spaces, self.mixtures, strict=True))

    def of(self, side: str) -> Limits:
        return self.sides[SIDES.index(side)]

    @property
    def axes(self) -> int:
        """The most latent axes that one of both has."""
        return max(side.latent for side in self.sides)

    @property
    def beta(self) -> tuple[float, float] | None:
        """The range of the KL weight that is set for both: what both know, or, where that is nothing, what either does.

        A side that does not know a weight takes the nearest that it does.
        """
        ranges = [side.beta for side in self.sides if side.beta]
        if not ranges:
            return None
        low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
        return (low, high) if low < high else (min(low for low, _ in ranges), max(high for _, high in ranges))


def usual_field(limits: DuelLimits) -> str | None:
    """Returns the field that a page opens with."""
    return next(iter(limits.fields), None) if USUAL_FIELD not in limits.fields else USUAL_FIELD
