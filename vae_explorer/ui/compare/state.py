"""What the Compare page shows, as a link and as the maps report it. Nothing here knows Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from vae_explorer.ui.explore.link import Refused, other_images, quoted, read_beta, read_image, read_z
from vae_explorer.ui.explore.state import Limits, filled, is_index, on_plane

SIDES = ("left", "right")
LINKS = ("point", "image")
TABS = ("sample", "path", "gaps", "draw")
SPACES = ("prior", "fitted", "mixture")
NO_MIXTURE = "A mixture of Gaussians is fitted to the codes of autoencoders: python -m vae_explorer gaps NAME."
SEEDS = 1_000_000
NO_GAPS = "Gap field and gap table compare two planes: they are shown where both models have two latent axes."


@dataclass(frozen=True, kw_only=True)
class DuelView:
    """One view of two models beside each other.

    Arguments:
        left: The left checkpoint's name.
        right: The right one's.
        beta: The KL weight of those that have one to set; None where none has.
        link: Whether the sides show the same point, in units of their codes' standard deviation, or the same image.
        side: On which side the point was chosen.
        image: The image that was chosen, or None where `z` was.
        z: The point of `side` that was chosen, on all axes of its model.
        ends: The images that the walk goes from and to.
        spaces: What each side is sampled from.
        seed: Of the draws.
        field: The field of the plane that is shown, if any.
        tab: What stands below the images.
    """

    left: str
    right: str
    beta: float | None = None
    link: str = LINKS[0]
    side: str = SIDES[0]
    image: int | None = 0
    z: tuple[float, ...] | None = None
    ends: tuple[int, int] = (0, 1)
    spaces: tuple[str, str] = (SPACES[0], SPACES[0])
    seed: int = 0
    field: str | None = None
    tab: str = TABS[0]


@dataclass(frozen=True, kw_only=True)
class DuelLimits:
    """What two checkpoints and their images allow.

    Arguments:
        sides: Each side's own limits; both have the same images.
        spaces: What each side is sampled from unless chosen otherwise.
        mixtures: Which sides have a mixture of Gaussians to be sampled from.
        fields: The fields that there are; none where a model has no plane.
    """

    sides: tuple[Limits, Limits]
    spaces: tuple[str, str]
    fields: tuple[str, ...]
    mixtures: tuple[bool, bool] = (False, False)

    def has(self, spaces: Sequence[str]) -> bool:
        """Says whether each side can be sampled from what it is to be."""
        return all(space != "mixture" or has for space, has in zip(spaces, self.mixtures, strict=True))

    @property
    def axes(self) -> int:
        """The most latent axes that one of both has."""
        return max(side.latent for side in self.sides)

    @property
    def beta(self) -> tuple[float, float] | None:
        """The range of the KL weight that is set for both: the narrower one where both have one."""
        ranges = [side.beta for side in self.sides if side.beta]
        if not ranges:
            return None
        return max(low for low, _ in ranges), min(high for _, high in ranges)


def default(limits: DuelLimits) -> DuelView:
    """Returns the view that two models open with."""
    beta = min(max(1.0, limits.beta[0]), limits.beta[1]) if limits.beta else None
    left, right = limits.sides
    return DuelView(left=left.model, right=right.model, beta=beta, spaces=limits.spaces)


def parse(query: Mapping[str, str], limits: DuelLimits) -> tuple[DuelView, list[str]]:
    """Returns the view that a link names; what cannot be shown keeps its default and gives a message."""
    view, messages = default(limits), []
    for name in ("beta", "link", "side", "image", "z", "ends", "spaces", "seed", "field", "tab"):
        if name not in query:
            continue
        try:
            view = replace(view, **_read(name, query[name], view, limits))
        except Refused as refused:
            messages.append(f"{refused} Shown instead: the default.")
    if other_images(query, limits.sides[0]):
        messages.append("The link was made with other images than those that are here: its image numbers mean others.")
    return view, messages


def to_query(view: DuelView) -> dict[str, str]:
    """Returns the view as a link's query: `parse` gives the same view back."""
    query = {}
    for field in fields(view):
        value = getattr(view, field.name)
        if isinstance(value, tuple):
            query[field.name] = ",".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in value)
        elif value is not None:
            query[field.name] = f"{value:g}" if isinstance(value, float) else str(value)
    return query


def updated(view: DuelView, reported: Mapping[str, Any], limits: DuelLimits) -> DuelView:
    """Returns the view after what the maps reported. What does not fit was not sent by our maps: ignored."""
    first = limits.sides[0]
    match reported.get("pick"):
        case {"side": ("left" | "right") as side, "index": image} if is_index(image, first.images):
            view = replace(view, side=side, image=image, z=None)
        case {"side": ("left" | "right") as side, "index": None, "x": int() | float() as x, "y": int() | float() as y}:
            if on_plane((x, y), own := limits.sides[SIDES.index(side)]):
                view = replace(view, side=side, image=None, z=filled((x, y), own))
    match reported.get("beta"):
        case int() | float() as beta if limits.beta and limits.beta[0] <= beta <= limits.beta[1]:
            view = replace(view, beta=float(beta))
    match reported.get("ends"):
        case [start, end] if is_index(start, first.images) and is_index(end, first.images):
            view = replace(view, ends=(start, end))
    match reported.get("spaces"):
        case [left, right] if left in SPACES and right in SPACES and limits.has((left, right)):
            view = replace(view, spaces=(left, right))
    match reported.get("field"):
        case str() | None as field if field is None or field in limits.fields:
            view = replace(view, field=field)
    for name, choices in (("link", LINKS), ("tab", TABS)):
        if reported.get(name) in choices:
            view = replace(view, **{name: reported[name]})
    if is_index(reported.get("seed"), SEEDS):
        view = replace(view, seed=reported["seed"])
    return view


def _read(name: str, text: str, view: DuelView, limits: DuelLimits) -> dict[str, Any]:
    first = limits.sides[0]
    match name:
        case "beta":
            return read_beta(text, replace(first, beta=limits.beta))
        case "image":
            return read_image(text, first)
        case "z":
            return read_z(text, limits.sides[SIDES.index(view.side)])
        case "ends":
            try:
                start, end = (read_image(part, first)["image"] for part in text.split(","))
            except ValueError as error:  # Refused is one
                raise Refused(f"ends = {quoted(text)} is not two of the images 0 to {first.images - 1}.") from error
            return {"ends": (start, end)}
        case "spaces":
            spaces = tuple(_one_of(name, part, SPACES) for part in text.split(","))
            if len(spaces) != len(SIDES):
                raise Refused(f"spaces = {quoted(text)} is not one for each side.")
            if not limits.has(spaces):
                raise Refused(f"spaces = {quoted(text)} cannot be drawn from. {NO_MIXTURE}")
            return {"spaces": spaces}
        case "seed":
            if not (text.isascii() and text.isdigit() and len(text) < 7):
                raise Refused(f"seed = {quoted(text)} is not a number from 0 to {SEEDS - 1}.")
            return {"seed": int(text)}
        case "field" if not limits.fields:
            raise Refused(f"field = {quoted(text)} cannot be shown. {NO_GAPS}")
        case _:
            choices = {"link": LINKS, "side": SIDES, "tab": TABS, "field": limits.fields}[name]
            return {name: _one_of(name, text, choices)}


def _one_of(name: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise Refused(f"{name} = {quoted(text)} is none of {', '.join(choices)}.")
    return text
