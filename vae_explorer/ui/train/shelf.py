"""The user's own models: a list to open them from, and to delete them."""

from __future__ import annotations

import streamlit as st

from vae_explorer import text
from vae_explorer.checkpoints import files
from vae_explorer.checkpoints.files import CheckpointError, Entry
from vae_explorer.ui.shell import say, undo


def show() -> None:
    """Shows the models that were trained or copied here; those that the program ships are not among them."""
    found = [entry for entry in files.list_all() if entry.path.parent != files.SHIPPED]
    if not found:
        return
    with st.expander(f"Your models ({len(found)})"):
        for entry in found:
            _row(entry)


def outline(entry: Entry) -> str:
    """Returns a model in one line, or what is wrong with it."""
    if entry.config is None:
        return entry.error or ""
    axes = "1 latent axis" if entry.config.latent == 1 else f"{entry.config.latent} latent axes"
    return f"{entry.config.kind}, {entry.config.data}, {axes}"


def _row(entry: Entry) -> None:
    st.markdown(f"**{text.markdown(entry.name)}**  \n{text.markdown(outline(entry), 200)}")
    left, right = st.columns(2)
    if not entry.error and left.button("Open", key=f"shelf_explore_{entry.name}", width="stretch"):
        explore(entry.name)
    if right.button(
        "Delete model", key=f"shelf_delete_{entry.name}", width="stretch", help="It can be undone for an hour."
    ):
        try:
            undo.remember(f"The model {entry.name}", files.delete(entry.name))
        except CheckpointError as error:
            say.error(error)
            return
        st.rerun()


def explore(name: str) -> None:
    """Opens a model on Explore, which forgets what it showed last."""
    for left in ("model", "view", "start"):
        st.session_state.pop(left, None)
    st.switch_page(st.session_state.pages["explore"], query_params={"model": name})
