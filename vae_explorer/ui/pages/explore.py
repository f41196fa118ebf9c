"""Explore: the latent map, and what the decoder makes of the point that was clicked."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from vae_explorer.checkpoints import CheckpointError
from vae_explorer.data import DataError
from vae_explorer.ui import controls, store
from vae_explorer.ui.canvas import latent_map
from vae_explorer.ui.link import write_link
from vae_explorer.ui.panel import panel
from vae_explorer.ui.scene import Scene
from vae_explorer.ui.view import to_query

STYLE = Path(__file__).parents[1] / "page.css"


def page() -> None:
    """Controls, caches, map and panel; runs again whenever the map reports something."""
    st.html(STYLE)
    title, picker, caption, fetch, export = st.columns([2, 3, 6, 2, 2], vertical_alignment="center")
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
        st.error(str(error))
        return
    except DataError as error:
        st.error(str(error))
        controls.download(store.checkpoint(store.key(name)).config.data)
        return
    start = controls.start(scene)
    view = controls.current(scene, start)
    if messages := [*st.session_state.messages, *broken]:
        st.warning("  \n".join(messages))
    left, right = st.columns([4, 3], gap="medium")
    with left:
        latent_map(scene.message(view, start), controls.map_key(scene))
    shown = scene.shown(view)
    right.html(panel(shown))
    caption.html(f'<p class="aside">{escape(scene.caption)}</p>')
    with fetch:
        controls.download(scene.config.data)
    with export:
        controls.export(scene, view, shown)
    write_link(to_query(view))
