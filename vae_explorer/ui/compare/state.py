"""What the Compare page shows: its table of state. Nothing here knows Streamlit."""

from __future__ import annotations

from collections.abc import Mapping

from vae_explorer.ui.compare.codecs import Class, Ends, Field, NamedMarks, OfImages, SidesPoint, Spaces, SpotOf, Windows
from vae_explorer.ui.compare.view import FIRST_IMAGE, LINKS, SPACES, TABS, DuelLimits, DuelView, usual_field
from vae_explorer.ui.explore.state import OTHER_IMAGES, other_images
from vae_explorer.ui.state.codecs import Classes, Fixed, OneOf, Seed, Weight, first_weight
from vae_explorer.ui.state.table import Row, Table

STATE: Table[DuelView, DuelLimits] = Table(
    DuelView,
    (
        Row(name="left", codec=Fixed(), default=lambda limits: limits.sides[0].model),
        Row(name="right", codec=Fixed(), default=lambda limits: limits.sides[1].model),
        Row(
            name="beta",
            codec=Weight(lambda limits: f"{limits.sides[0].model} and {limits.sides[1].model} have"),
            default=first_weight,
            nothing="their only setting",
        ),
        Row(name="link", codec=OneOf(LINKS), default=lambda _: LINKS[0]),
        Row(name="point", codec=SidesPoint(), default=lambda _: FIRST_IMAGE),
        Row(
            name="hidden",
            link="hide",
            codec=OfImages(Classes()),
            default=lambda _: (),
            nothing="all classes",
        ),
        Row(name="marks", codec=OfImages(NamedMarks()), default=lambda _: ("names",), nothing="colours alone"),
        Row(name="ends", codec=Ends(), default=lambda _: (0, 1)),
        Row(name="spaces", codec=Spaces(), default=lambda _: (SPACES[0], SPACES[0])),
        Row(name="seed", codec=Seed(), default=lambda _: 0),
        Row(name="field", codec=Field(lambda limits: limits.fields), default=usual_field, nothing="no field"),
        Row(name="spot", codec=SpotOf(), default=lambda _: None, nothing="no worst spot"),
        Row(name="towards", codec=Class(), default=lambda _: None, nothing="any other class"),
        Row(name="windows", link="zoom", codec=Windows(), default=lambda _: (None, None), nothing="both whole maps"),
        Row(name="tab", codec=OneOf(TABS), default=lambda _: TABS[0]),
    ),
    lambda view, _: view,
)


def parse(query: Mapping[str, str], limits: DuelLimits) -> tuple[DuelView, list[str]]:
    """Returns the view that a link names; what cannot be shown keeps its default and gives a message."""
    view, messages = STATE.parse(query, limits)
    if other_images(query, limits.sides[0]):
        messages.append(OTHER_IMAGES)
    return view, messages
