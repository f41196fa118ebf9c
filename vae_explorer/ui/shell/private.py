"""What is used of Streamlit that it does not promise to keep; `tests/test_private.py` says when an update took it.

Besides, `page.css` names parts of its pages, `.streamlit/config.toml` options that no manual lists, and `guard.py`
takes an origin away that Streamlit would look up addresses for.
"""

from __future__ import annotations

CACHING = "streamlit.runtime.caching"  # where the class of a function with `st.cache_data` or `st.cache_resource` is


def is_cached(value: object) -> bool:
    """Says whether this is a function whose results Streamlit keeps: it has `clear`, which forgets them."""
    return type(value).__module__.startswith(CACHING)
