"""Data: the user's own images, uploaded, looked at, and made a data set like any other."""

from __future__ import annotations

import streamlit as st

from vae_explorer import data, text
from vae_explorer.data import DataError, own
from vae_explorer.ui.data import example, previews, uploads
from vae_explorer.ui.shell import say, undo
from vae_explorer.ui.shell.head import aside, head

SHOWN = 16  # images of each data set in the list


def page() -> None:
    """An upload on the left, the data sets that came of others on the right."""
    (caption,) = head(1)
    aside(caption, "Your own images become a data set like any other. They stay on this machine.")
    with st.container(key="split"):
        form, listed = st.columns([9, 8], gap="large")
    with form:
        uploads.show()
    with listed:
        _list()


def _list() -> None:
    st.subheader("Your data sets", anchor=False)
    if added := st.session_state.pop("data_added", None):
        st.success(f"{text.markdown(added)} is added: train a model on it.")
    undo.show()
    names = [name for name in data.names() if name not in data.DATASETS]
    if not names:
        st.caption("None yet. What you add on the left appears here, and in every list of data sets.")
        example.show()
    for name in names:
        with st.container(border=True):
            _entry(own.summary(name))


def _entry(found: own.Summary) -> None:
    words, *buttons = st.columns([6, 2, 2], vertical_alignment="center")
    words.markdown(f"**{text.markdown(found.name)}**")
    if found.error:
        say.error(found.error)
    else:
        if buttons[0].button("Train", key=f"data_train_{found.name}", width="stretch", type="primary"):
            st.session_state.pop("train_data", None)  # what was chosen there before
            st.switch_page(st.session_state.pages["train"], query_params={"data": found.name})
        st.html(f'<p class="aside">{text.html(uploads.outline(found), say.LONGEST)}</p>')
        try:
            st.html(previews.some(data.load(found.name, "test"), SHOWN))
        except DataError as error:  # what its description cannot tell
            say.error(error)
    with buttons[1].popover("Delete", width="stretch"):
        st.write("Models trained on these images stay, but show only what they decode: no images and no codes.")
        if st.button(f"Delete {text.markdown(found.name)}", key=f"data_delete_{found.name}"):
            _delete(found.name)


def _delete(name: str) -> None:
    try:
        undo.remember(f"The data set {name}", own.delete(name))
    except DataError as error:
        say.error(error)
        return
    st.session_state.pop("train_data", None)
    st.rerun()
