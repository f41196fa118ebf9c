"""Compare: two models of the same data side by side, and the gaps between their codes."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer.ui import canvas
from vae_explorer.ui.compare import controls
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE, DuelView
from vae_explorer.ui.drawing.pad import drawing_pad
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell import lost, say
from vae_explorer.ui.shell.head import aside, head


def page() -> None:
    """Two pickers and the worlds of both maps; what the maps ask for is answered by the fragment alone."""
    left, right, caption, share, export = head(5)
    names = controls.choose(left, right)
    if names is None:
        return
    if lost.told():
        return
    with say.refusals():
        _draw(Duel(*map(Scene, names)), caption, share, export)


def _draw(duel: Duel, caption: DeltaGenerator, share: DeltaGenerator, export: DeltaGenerator) -> None:
    """Draws both models, with words on their images where they are others than they were trained with."""
    start = controls.start(duel)
    changed = dict.fromkeys(side.shown.changed for side in duel.sides if side.shown.changed)
    if messages := [*changed, *st.session_state.duel_messages]:
        say.warning(messages)
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
    if any(side.outdated for side in duel.sides):
        st.rerun()  # the data set was deleted, added or changed meanwhile
    reported = st.session_state.get(canvas.answer_key(duel.name), {}).get(canvas.SEEN) or {}
    view = STATE.updated(start, reported, duel.limits)
    st.session_state.duel_view = view
    canvas.answer(duel.answer(view, start), duel.name)  # first: the browser has it while the rest is made
    controls.export(duel, view)
    with st.container(key="progress"):
        bar = st.empty()
    for name, message in duel.fields(view, lambda done: _show(bar, done)):
        canvas.send(message, f"{duel.name}-{name}", "field")
    bar.empty()


def _show(bar: DeltaGenerator, done: float) -> None:
    bar.progress(min(1.0, done), "Computing the gap field")
