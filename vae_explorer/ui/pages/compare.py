"""Compare: two models of the same data side by side, and the gaps between their codes."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer.checkpoints import CheckpointError
from vae_explorer.data import DataError
from vae_explorer.ui import canvas, lost, pairs, say
from vae_explorer.ui.drawing_pad import drawing_pad
from vae_explorer.ui.duel import Duel
from vae_explorer.ui.duel_view import DuelView, updated
from vae_explorer.ui.head import aside, head
from vae_explorer.ui.scene import Scene


def page() -> None:
    """Two pickers and the worlds of both maps; what the maps ask for is answered by the fragment alone."""
    left, right, caption, share, export = head(5)
    names = pairs.choose(left, right)
    if names is None:
        return
    if lost.told():
        return
    try:
        duel = Duel(*map(Scene, names))
    except (CheckpointError, DataError) as error:
        say.error(error)
        return
    start = pairs.start(duel)
    if st.session_state.duel_messages:
        say.warning(st.session_state.duel_messages)
    aside(caption, duel.sides[0].caption)
    canvas.duel(duel.name)
    with share:
        canvas.share()
    with export:
        _answer(duel, start)
    for name, scene in zip(("left", "right"), duel.sides, strict=True):
        canvas.send(scene.world(), f"{duel.name}-{name}", "world")
    canvas.send(duel.tables(), duel.name, "tables")
    drawing_pad(duel.name, duel.sides)


@st.fragment
@lost.caught
def _answer(duel: Duel, start: DuelView) -> None:
    """Runs alone whenever the maps report something."""
    reported = st.session_state.get(canvas.answer_key(duel.name), {}).get(canvas.SEEN) or {}
    view = updated(start, reported, duel.limits)
    st.session_state.duel_view = view
    canvas.answer(duel.answer(view, start), duel.name)  # first: the browser has it while the rest is made
    pairs.export(duel, view)
    with st.container(key="progress"):
        bar = st.empty()
    for name, message in duel.fields(view, lambda done: _show(bar, done)):
        canvas.send(message, f"{duel.name}-{name}", "field")
    bar.empty()


def _show(bar: DeltaGenerator, done: float) -> None:
    bar.progress(min(1.0, done), "Computing the gap field")
