"""The Compare page's own widgets, and the view that a session begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer import text
from vae_explorer.checkpoints import files
from vae_explorer.ui.compare import exports as duel_exports
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE, DuelView, parse
from vae_explorer.ui.explore.controls import Seen
from vae_explorer.ui.state.limits import is_index
from vae_explorer.ui.state.points import AtImage
from vae_explorer.ui.state.words import quoted

FIRST = ("mnist-ae-2d", "mnist-vae-2d")
_PICKER: dict[str, Any] = {"format_func": text.shown, "label_visibility": "collapsed"}


def choose(left: DeltaGenerator, right: DeltaGenerator) -> tuple[str, str] | None:
    """Shows both pickers: any two checkpoints of the same data."""
    state = st.session_state
    data = {entry.name: entry.config.data for entry in files.list_all() if entry.config is not None and not entry.error}
    if not data:
        st.error("There is no trained model yet: `python -m vae_explorer train --help`.")
        return None
    if "duel_left" not in state or state.duel_left not in data:
        _begin(data)
    first = str(left.selectbox("Left model", sorted(data), **_PICKER, key="duel_left"))
    same = sorted(name for name in data if data[name] == data[first])
    if state.get("duel_right") not in same:
        state.duel_right = next((name for name in same if name != first), first)
    second = str(right.selectbox("Right model", same, **_PICKER, key="duel_right"))
    return first, second


def start(duel: Duel) -> DuelView:
    """Returns the view that the page began with: the link's, or the default of a pair chosen later."""
    state = st.session_state
    names = tuple(side.name for side in duel.sides)
    if state.get("duel_linked") == names:
        query = st.query_params.to_dict()
        state.duel_start, messages = parse(query, duel.limits)
        if not {"image", "z"} & query.keys():
            state.duel_start = _where_explore_is(state.duel_start, duel)
        state.duel_messages = [*state.duel_messages, *messages]
        state.duel_linked = None
    elif "duel_start" not in state or (state.duel_start.left, state.duel_start.right) != names:
        state.duel_start, state.duel_messages = _where_explore_is(STATE.start(duel.limits), duel), []
    return cast(DuelView, state.duel_start)


def _where_explore_is(view: DuelView, duel: Duel) -> DuelView:
    """Returns a view of the image and at the KL weight that Explore shows, where it shows the same images."""
    seen: Seen | None = st.session_state.get("seen")
    if seen is None or seen.data != duel.sides[0].config.data:
        return view
    image, beta = seen.view.image, seen.view.beta
    if is_index(image, duel.limits.sides[0].images):
        view = replace(view, point=replace(view.point, point=AtImage(image)))
    if beta is not None and duel.limits.beta:
        view = replace(view, beta=min(max(beta, duel.limits.beta[0]), duel.limits.beta[1]))
    return view


def export(duel: Duel, view: DuelView) -> None:
    """Shows the downloads once they are opened; each file is made when it is asked for."""
    place = st.popover("Export", width="stretch", key="export_pair", on_change="rerun")
    if not place.open:
        return
    with place:
        stem = "-".join(text.file_name(side.name) for side in duel.sides)
        st.download_button(
            "Measures (CSV)",
            lambda: duel_exports.measures_csv(duel),
            f"{stem}-gaps.csv",
            "text/csv",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            "Draws (PNG)",
            lambda: duel_exports.draws_png(duel, view),
            f"{stem}-draws-{view.seed}.png",
            "image/png",
            on_click="ignore",
            width="stretch",
        )


def _first(data: dict[str, str]) -> tuple[str, str]:
    """Returns the pair to begin with: what Explore shows and another of its data, or the first pair."""
    seen: Seen | None = st.session_state.get("seen")
    if seen is None or seen.view.model in FIRST or seen.view.model not in data:
        return FIRST
    model = seen.view.model
    return next((name for name in sorted(data) if data[name] == data[model] and name != model), model), model


def _begin(data: dict[str, str]) -> None:
    """Takes the link's models, or those that this session compared last, or the first pair."""
    state = st.session_state
    last: DuelView | None = state.get("duel_view")
    if last and last.left in data and last.right in data:
        state.duel_left, state.duel_right, state.duel_start, state.duel_messages = last.left, last.right, last, []
        return
    query = st.query_params.to_dict()
    wanted = [query.get(side, name) for side, name in zip(("left", "right"), _first(data), strict=True)]
    state.duel_messages = [f"There is no model “{quoted(name)}” here." for name in wanted if name not in data]
    known = [name for name in wanted if name in data]
    if len(known) == 2 and data[known[0]] != data[known[1]]:
        state.duel_messages.append(f"{known[0]} and {known[1]} are of different data: choose two of the same.")
        known = known[:1]
    left = known[0] if known else min(data)
    same = sorted(name for name in data if data[name] == data[left])
    right = known[1] if len(known) == 2 else next((name for name in same if name != left), left)
    state.duel_left, state.duel_right, state.duel_linked = left, right, (left, right)
