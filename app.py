"""The app: `streamlit run app.py`."""

import streamlit as st

from vae_explorer.ui.pages import explore
from vae_explorer.ui.store import freeze_imports

st.set_page_config(page_title="VAE Explorer", layout="wide")
freeze_imports()
st.navigation([st.Page(explore.page, title="Explore", url_path="explore", default=True)], position="top").run()
