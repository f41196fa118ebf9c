"""Explore: the latent map, and what the decoder makes of any point of it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vae_explorer import text
from vae_explorer.checkpoints import CheckpointError
from vae_explorer.data import DataError
from vae_explorer.ui import canvas, controls, say, store
from vae_explorer.ui.drawing_pad import drawing_pad
from vae_explorer.ui.scene import Scene
from vae_explorer.ui.view import View

STYLE = Path(__file__).parents[1] / "page.css"


def page() -> None:
    """Controls and the map's world; what a click asks for is answered by the fragment alone."""
    st.html(STYLE)
    title, picker, caption, fetch, export = st.columns([5, 3, 5, 2, 2], vertical_alignment="center")
    title.html("<h1>VAE Explorer</h1>")
    usable, broken = controls.names()
    if not usable:
        st.error("There is no trained model yet: `python -m vae_explorer train --help` says how to make one.")
        return
    with picker:
        name = controls.model(usable)
    try:
        scene = Scene(name)
    except CheckpointError as error:
        say.error(error)
        return
    except DataError as error:
        say.error(error)
        controls.download(store.checkpoint(store.key(name)).config.data)
        return
    start = controls.start(scene)
    if messages := [*st.session_state.messages, *broken]:
        say.warning(messages)
    caption.html(f'<p class="aside">{text.html(scene.caption, say.LONGEST)}</p>')
    with fetch:
        controls.download(scene.config.data)
    canvas.latent_map(scene.world(), scene.name)
    with export:
        _answer(scene, start)
    canvas.send(scene.curve(), scene.name, "curve")
    drawing_pad(scene.name, [scene])


@st.fragment
def _answer(scene: Scene, start: View) -> None:
    """Runs alone whenever the map reports something."""
    view = controls.current(scene, start)
    canvas.answer(scene.answer(view, start), scene.name)  # first: the browser has it while the rest is made
    controls.export(scene, view)
    for layer, message in scene.fields(view):
        canvas.send(message, scene.name, layer)
