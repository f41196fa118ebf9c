"""The app: `streamlit run app.py`."""

import streamlit as st

from vae_explorer.ui.shell import direct, live, vendored
from vae_explorer.ui.shell.guard import middleware

app = st.App(
    "vae_explorer/ui/shell/main.py",
    routes=[*direct.routes(), *live.routes(), *vendored.routes()],
    middleware=middleware(),
)
