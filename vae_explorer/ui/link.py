"""Writes the view into the address bar."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

# `st.query_params` would add an entry to the browser's history with every click, so that the Back
# button led through hundreds of views instead of off the page.
_component = st.components.v2.component(
    "vae_explorer_link",
    js="""
export default function ({ data }) {
  history.replaceState(history.state, "", `${location.pathname}?${data.query}`);
}
""",
)


def write_link(query: Mapping[str, str]) -> None:
    """Makes the address bar name this view, without a reload and without a step in the history."""
    _component(key="link", data={"query": urlencode(query, safe=",")})
