"""What a fragment does when the model or the images that it shows are gone: the page is drawn anew, and says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.data import DataError
from vae_explorer.ui.shell import say

P = ParamSpec("P")


def caught(fragment: Callable[P, None]) -> Callable[P, None]:
    """Returns a fragment that leaves a message and draws its page anew where model or images cannot be read."""

    @wraps(fragment)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            fragment(*args, **kwargs)
        except (CheckpointError, DataError, FileNotFoundError) as error:
            st.session_state.lost = str(error)
            st.rerun()

    return run


def told() -> bool:
    """Shows the message that a fragment has left, once; a page that showed one ends there."""
    message: str | None = st.session_state.pop("lost", None)
    if message is not None:
        say.error(f"{message} Choose another model, or load the page again.")
    return message is not None
