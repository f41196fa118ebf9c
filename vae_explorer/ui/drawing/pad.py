"""The drawing of a session: what the pads report is kept, and answered, by a fragment of its own."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vae_explorer.ui import canvas
from vae_explorer.ui.drawing import scene as drawing
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell import lost


@st.fragment
@lost.caught
def drawing_pad(name: str, scenes: Sequence[Scene]) -> None:
    """Answers the pad of the page of this name; runs alone whenever the pad reports something.

    The drawing belongs to the session: it stays when the model or the page changes.
    """
    drawn = st.session_state.setdefault("drawn", drawing.NOTHING)
    canvas.drawing(drawing.answer(scenes, drawn), name, lambda: _take(name))


def _take(name: str) -> None:
    drawn = drawing.read(st.session_state[canvas.drawing_key(name)].get(canvas.DRAWN))
    if drawn is not None:
        st.session_state.drawn = drawn
