"""Explore: the latent map, and what the decoder makes of any point of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import wait

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer.ui import canvas
from vae_explorer.ui.drawing.pad import drawing_pad
from vae_explorer.ui.explore import controls
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import View
from vae_explorer.ui.shell import lost, say, store
from vae_explorer.ui.shell.head import aside, head

PATIENCE = 0.5  # s that a curve may take before the page goes on without it
TICK = 1.0  # s between two looks for it


def page() -> None:
    """Controls and the map's world; what a click asks for is answered by the fragment alone."""
    picker, more, caption, fetch, share, export = head(6)
    usable, broken = controls.names()
    if not usable:
        st.error("There is no trained model yet: `python -m vae_explorer train --help` says how to make one.")
        return
    with picker:
        name = controls.model(usable)
    if lost.told():
        return
    with more:
        part = controls.part()
    with say.refusals():
        _draw(Scene(name, part), broken, (caption, fetch, share, export))


def _draw(scene: Scene, broken: list[str], places: Sequence[DeltaGenerator]) -> None:
    """Draws one model, with words on its images where they are not here, or are others."""
    caption, fetch, share, export = places
    start = controls.start(scene)
    if scene.absence:
        say.error(scene.absence)
    if refused := st.session_state.pop("refused", None):
        say.error(refused)
    if messages := [*filter(None, [scene.shown.changed]), *st.session_state.messages, *broken]:
        say.warning(messages)
    aside(caption, scene.caption)
    with fetch:
        controls.download(scene.config.data)
    with st.spinner("Encoding the images"):
        world = scene.world()
    canvas.latent_map(world, scene.place)
    with share:
        canvas.share()
    with export:
        _answer(scene, start)
    made = store.curve_later(scene.key)
    wait([made], timeout=PATIENCE)
    if made.done():
        scene.keep()
    st.fragment(_curve, run_every=None if made.done() else TICK)(scene, made.done())
    drawing_pad(scene.place, [scene])


@lost.caught
def _curve(scene: Scene, done: bool) -> None:
    """Sends the curve; while it is measured, looks for it now and then, and clicks are answered meanwhile."""
    if done:
        canvas.send(scene.curve(), scene.place, "curve")
    elif store.curve_later(scene.key).done():
        st.rerun()  # the whole page, so that the looking ends


@st.fragment
@lost.caught
def _answer(scene: Scene, start: View) -> None:
    """Runs alone whenever the map reports something."""
    if scene.outdated:
        st.rerun()  # its data set was deleted, added or changed meanwhile
    view, heard = controls.current(scene, start)
    canvas.answer(
        scene.answer(view, start, heard=heard), scene.place
    )  # first: the browser has it while the rest is made
    controls.export(scene, view)
    for layer, message in scene.fields(view):
        canvas.send(message, scene.place, layer)
