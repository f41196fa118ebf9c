"""What stands above every page: its style, the app's name, and room for what the page puts beside them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer import text

STYLE = Path(__file__).parent / "page.css"


def head(parts: int) -> list[DeltaGenerator]:
    """Shows the app's name beside the navigation, and returns so many places after it; page.css gives their widths."""
    st.html(STYLE)
    with st.container(key="head"):
        name, *places = st.columns(parts + 1, vertical_alignment="center")
    name.html("<h1>VAE Explorer</h1>")
    return places


def aside(place: DeltaGenerator, words: str) -> None:
    """Shows what the page is about, on three lines at most; the rest is read by pointing at it."""
    safe = text.html(words, 400)
    place.html(f'<p class="aside" title="{safe}">{safe}</p>')
