"""The app: `streamlit run app.py`."""

import streamlit as st

from vae_explorer.ui.direct import routes

app = st.App("vae_explorer/ui/pages/main.py", routes=routes())
