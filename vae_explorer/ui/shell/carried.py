"""What one page hands another of the same images: the image, the KL weight, hidden classes, what is zoomed into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from vae_explorer.ui.state.codecs import Seen


class Carried(NamedTuple):
    """What a page showed last."""

    page: str
    data: str  # whose images
    image: int | None  # of the test part; None where a place was shown
    beta: float | None
    hidden: tuple[int, ...]
    windows: Mapping[str, Seen | None]  # by model; None for the whole map


def carry(last: Carried) -> None:
    """Notes what a page shows now."""
    st.session_state.carried = last


def brought(page: str, data: str) -> Carried | None:
    """Returns what another page showed last, where it was of these images; None where this page was the last one."""
    last: Carried | None = st.session_state.get("carried")
    return last if last is not None and last.page != page and last.data == data else None
