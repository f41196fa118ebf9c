"""Compare: two models of the same data side by side, and the gaps between their codes."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer.ui import canvas
from vae_explorer.ui.compare import controls
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.compare.computed import letters
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE
from vae_explorer.ui.compare.titles import heading, title, training
from vae_explorer.ui.compare.view import SIDES, DuelView
from vae_explorer.ui.drawing.pad import drawing_pad
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell import lost, say
from vae_explorer.ui.shell.head import aside, head

TICK = 1.0  # s between two looks for the classifier


def page() -> None:
    """Two pickers and the worlds of both maps; what the maps ask for is answered by the fragment alone."""
    caption, share, export = head(3)
    with st.container(key="sides"):
        left, middle, right = st.columns([7, 6, 7], vertical_alignment="bottom")
    titles = left.empty(), right.empty()
    names = controls.choose(left, right)
    if names is None:
        return
    if lost.told():
        return
    with say.refusals():
        duel = Duel(*map(Scene, names))
        for place, name, side in zip(titles, SIDES, duel.sides, strict=True):
            place.html(heading(name, title(side.config)))
        middle.html(training((duel.sides[0].facts.provenance, duel.sides[1].facts.provenance)))
        _draw(duel, caption, share, export)


def _draw(duel: Duel, caption: DeltaGenerator, share: DeltaGenerator, export: DeltaGenerator) -> None:
    """Draws both models, with words on their images where they are others than they were trained with."""
    start = controls.start(duel)
    waits = not gap_store.classifier_later(duel.sides[0].config.data).done()
    changed = dict.fromkeys(side.shown.changed for side in duel.sides if side.shown.changed)
    if messages := [*changed, *st.session_state.duel_messages]:
        say.warning(messages)
    aside(caption, duel.sides[0].caption)
    canvas.duel(duel.name)
    with share:
        canvas.share()
    with export:
        _answer(duel, start)
    for name, scene in zip(SIDES, duel.sides, strict=True):
        canvas.send(scene.world(), f"{duel.name}-{name}", "world")
    canvas.send(duel.tables(), duel.name, "tables")
    drawing_pad(duel.name, duel.sides)
    gap_store.warm(duel.sides[0].key)
    st.fragment(_await, run_every=TICK if waits else None)(duel, waits)


@lost.caught
def _await(duel: Duel, waits: bool) -> None:
    """While the classifier is fitted, looks for it now and then; clicks are answered meanwhile."""
    if waits and gap_store.classifier_later(duel.sides[0].config.data).done():
        st.rerun()  # the whole page, so that the looking ends


@st.fragment
@lost.caught
def _answer(duel: Duel, start: DuelView) -> None:
    """Runs alone whenever the maps report something."""
    if any(side.outdated for side in duel.sides):
        st.rerun()  # the data set was deleted, added or changed meanwhile
    reported = st.session_state.get(canvas.answer_key(duel.name), {}).get(canvas.SEEN) or {}
    view = STATE.updated(start, reported, duel.limits)
    controls.note(duel, view)
    canvas.answer(duel.answer(view, start), duel.name)  # first: the browser has it while the rest is made
    controls.export(duel, view)
    with st.container(key="progress"):
        bar = st.empty()
    for side, kind, message in letters(duel, view, lambda done: _show(bar, done)):
        canvas.send(message, duel.name if side is None else f"{duel.name}-{side}", kind)
    bar.empty()


def _show(bar: DeltaGenerator, done: float) -> None:
    bar.progress(min(1.0, done), "Computing the field")
