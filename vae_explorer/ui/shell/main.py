"""What Streamlit runs for each session. A folder `pages` beside it would be taken for pages of Streamlit's own."""

import streamlit as st

from vae_explorer.ui.explore import page as explore
from vae_explorer.ui.shell.store import freeze


def compare() -> None:
    """Imports its page when it is first visited: the classifiers' libraries would delay the app's start."""
    from vae_explorer.ui.compare import page as module

    module.page()


def train() -> None:
    """Imports its page when it is first visited: Plotly would delay the app's start."""
    from vae_explorer.ui.train import page as module

    module.page()


def data() -> None:
    """Imports its page when it is first visited, as the others."""
    from vae_explorer.ui.data import page as module

    module.page()


st.set_page_config(layout="wide")
pages = [
    st.Page(explore.page, title="Explore", url_path="explore", default=True),
    st.Page(compare, title="Compare", url_path="compare"),
    st.Page(train, title="Train", url_path="train"),
    st.Page(data, title="Data", url_path="data"),
]
st.session_state.explore_page, _, st.session_state.train_page, _ = pages
page = st.navigation(pages, position="top")
st.set_page_config(page_title=f"{page.title} \N{EN DASH} VAE Explorer")
page.run()
freeze(page.title)
