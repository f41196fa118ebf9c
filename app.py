"""The app: `streamlit run app.py`."""

import streamlit as st

from vae_explorer.ui.pages import compare, explore
from vae_explorer.ui.store import freeze_imports

st.set_page_config(page_title="VAE Explorer", layout="wide")
freeze_imports()
pages = [
    st.Page(explore.page, title="Explore", url_path="explore", default=True),
    st.Page(compare.page, title="Compare", url_path="compare"),
]
st.navigation(pages, position="top").run()
