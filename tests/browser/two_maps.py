"""An app with two maps of one model on a page, which no page of ours has yet."""

import streamlit as st

from vae_explorer.ui import canvas
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE

scene = Scene("digits-vae-2d")
start = STATE.start(scene.limits)
for name in ("left", "right"):
    canvas.latent_map(scene.world(), name)
    reported = st.session_state.get(canvas.answer_key(name), {}).get(canvas.SEEN) or {}
    view = STATE.updated(start, reported, scene.limits)
    canvas.answer(scene.answer(view, start), name)
    st.text(f"{name}: {STATE.link(view)}")
