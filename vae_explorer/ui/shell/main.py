"""What Streamlit runs for each session. A folder `pages` beside it would be taken for pages of Streamlit's own."""

import streamlit as st

from vae_explorer.ui.shell.pages import found
from vae_explorer.ui.shell.store import freeze

st.set_page_config(layout="wide")
pages = {
    page.name: st.Page(page.show, title=page.title, url_path=page.name, default=k == 0)
    for k, page in enumerate(found())
}
st.session_state.pages = pages  # for those that lead to another
page = st.navigation([*pages.values()], position="top")
st.set_page_config(page_title=f"{page.title} \N{EN DASH} VAE Explorer")
page.run()
freeze(page.title)
