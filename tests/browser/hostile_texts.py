"""An app that shows hostile texts wherever Streamlit reads Markdown."""

import streamlit as st

from tests.test_text import HOSTILE
from vae_explorer import text

for k, hostile in enumerate(HOSTILE):
    with st.container(key=f"markdown-{k}"):
        st.markdown(text.markdown(hostile))
    with st.container(key=f"button-{k}"):
        st.button(text.markdown(hostile), key=f"b{k}")
    with st.container(key=f"error-{k}"):
        st.error(text.markdown(hostile))
