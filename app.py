"""The app: `streamlit run app.py`."""

import streamlit as st

from vae_explorer.ui.direct import routes
from vae_explorer.ui.guard import middleware

app = st.App("vae_explorer/ui/pages/main.py", routes=routes(), middleware=middleware())
