"""The Compare page's own widgets, and the view that a session begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer import text
from vae_explorer.checkpoints import files
from vae_explorer.ui import canvas
from vae_explorer.ui.compare import exports as duel_exports
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE, parse
from vae_explorer.ui.compare.view import SIDES, DuelView
from vae_explorer.ui.explore.controls import Seen
from vae_explorer.ui.shell.carried import Carried, brought, carry
from vae_explorer.ui.state.codecs import nearest_weight
from vae_explorer.ui.state.limits import is_index
from vae_explorer.ui.state.points import AtImage
from vae_explorer.ui.state.words import quoted

PAGE = "compare"
MAPS = {"left": "The left map", "right": "The right map"}
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
        if not query.keys() - {"left", "right"}:
            state.duel_start = _brought(state.duel_start, duel)
        state.duel_messages = [*state.duel_messages, *messages]
        state.duel_linked = None
    elif "duel_start" not in state or (state.duel_start.left, state.duel_start.right) != names:
        state.duel_start, state.duel_messages = _brought(_kept(duel), duel), []
    elif state.pop("duel_back", False):
        state.duel_start = _brought(state.duel_start, duel)
    return cast(DuelView, state.duel_start)


def _kept(duel: Duel) -> DuelView:
    """Returns what was seen of the last pair, where one of its models was changed for another of the same images."""
    last: DuelView | None = st.session_state.get("duel_view")
    names = [side.name for side in duel.sides]
    begun = STATE.start(duel.limits)
    if last is None or st.session_state.get("duel_data") != duel.sides[0].config.data:
        return begun
    same = [was == now for was, now in zip((last.left, last.right), names, strict=True)]
    left, right = (window if kept else None for window, kept in zip(last.windows, same, strict=True))
    kept = replace(last, spot=None, windows=(left, right))
    if last.place is not None and not same[SIDES.index(last.side)]:
        kept = replace(kept, point=begun.point)  # a place of another latent space
    return parse(STATE.link(kept), duel.limits)[0]


def _brought(view: DuelView, duel: Duel) -> DuelView:
    """Returns a view of what Explore shows, where it shows the same images."""
    last = brought(PAGE, duel.sides[0].config.data)
    if last is None:
        return view
    if is_index(last.image, duel.limits.sides[0].images):
        view = replace(view, point=replace(view.point, point=AtImage(last.image)), spot=None)
    if last.beta is not None and duel.limits.beta:
        view = replace(view, beta=nearest_weight(last.beta, duel.limits.beta))
    left, right = (
        last.windows.get(name, seen) for name, seen in zip((view.left, view.right), view.windows, strict=True)
    )
    return replace(view, hidden=last.hidden, windows=(left, right))


def note(duel: Duel, view: DuelView) -> None:
    """Keeps the view for when the page is left, and for Explore."""
    st.session_state.duel_view, st.session_state.duel_data = view, duel.sides[0].config.data
    windows = dict(zip((view.left, view.right), view.windows, strict=True))
    carry(Carried(PAGE, duel.sides[0].config.data, view.image, view.beta, view.hidden, windows))


def export(duel: Duel, view: DuelView) -> None:
    """Shows the downloads once they are opened; each file is made when it is asked for."""
    place = st.popover("Export", width="stretch", key="export_pair", on_change="rerun")
    if not place.open:
        return
    with place:
        stem = "-".join(text.file_name(side.name) for side in duel.sides)
        for name, side, weight in zip(SIDES, duel.sides, duel.weights(view), strict=True):
            beta = f" · KL weight {weight:g}" if side.limits.beta else ""
            st.caption(MAPS[name])
            canvas.map_saver(f"{duel.name}-{name}", f"{text.file_name(side.name)}-map", f"{side.name}{beta}")
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
        state.duel_back = True  # what Explore showed meanwhile comes along
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
