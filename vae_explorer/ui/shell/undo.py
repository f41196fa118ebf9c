"""What was deleted in this session, and the button that brings it back; the same for runs, models and data sets.

undo.remember("The run first", aside)    after a deletion
undo.show()                              on each page where something can be deleted
"""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from vae_explorer.disk.asides import KEPT, Aside, discard, restore
from vae_explorer.disk.files import reason
from vae_explorer.text import markdown
from vae_explorer.ui.shell import say, store

KEY = "set_aside"


class Deleted(NamedTuple):
    """One deletion."""

    what: str  # with its name, as a sentence begins
    aside: Aside


def remember(what: str, aside: Aside) -> None:
    """Offers to undo a deletion until the next one; `what` begins the sentence: The run NAME."""
    st.session_state[KEY] = Deleted(what, aside)
    store.forget_images()


def show() -> None:
    """Says what was deleted last, with a button that undoes it; nothing where that is no longer possible."""
    deleted: Deleted | None = st.session_state.get(KEY)
    if problem := st.session_state.pop(f"{KEY}_problem", None):
        say.error(problem)
    if deleted is None or not deleted.aside.kept.is_dir():
        return
    words, *buttons = st.columns([6, 2, 3], vertical_alignment="center")
    words.markdown(f"{markdown(deleted.what)} was deleted. It can come back within {KEPT / 60:.0f} minutes.")
    buttons[0].button("Undo", key="undo", on_click=_undo, args=(deleted,), width="stretch", type="primary")
    buttons[1].button("Delete for good", key="undo_never", on_click=_never, args=(deleted,), width="stretch")


def _undo(deleted: Deleted) -> None:
    try:
        restore(deleted.aside)
    except OSError as error:
        why = str(error) if error.errno is None else f"{reason(error)}."
        st.session_state[f"{KEY}_problem"] = f"{deleted.what} cannot come back: {why}"
        return
    st.session_state.pop(KEY, None)
    store.forget_images()


def _never(deleted: Deleted) -> None:
    discard(deleted.aside)
    st.session_state.pop(KEY, None)
