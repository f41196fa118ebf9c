"""The latent map: a Components v2 component that draws on a canvas and answers anywhere.

`scatter.js`, with `raster.js`, `layers.js` and `gestures.js`, is a scatter plot that knows nothing of
autoencoders; `latent_map.js` is what this page adds to it. They are joined to one module here: a
component's files are found only in some installations, its text in all.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import streamlit as st

__all__ = ["KEYS", "latent_map"]

KEYS = ("click", "beta", "hidden", "layers", "view")  # what the browser reports

_SCRIPTS = ("raster.js", "gestures.js", "layers.js", "scatter.js", "latent_map.js")


def _read(*names: str) -> str:
    folder = files(__package__)
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


_component = st.components.v2.component(
    "vae_explorer_latent_map",
    html=_read("latent_map.html"),
    css=_read("latent_map.css"),
    js=_read(*_SCRIPTS),
)


def latent_map(data: bytes, key: str) -> None:
    """Shows the map; what the user sets on it lies in the session state under the key, by the names in `KEYS`."""
    listeners: dict[str, Any] = {f"on_{name}_change": _noted for name in KEYS}
    _component(key=key, data=data, **listeners)


def _noted() -> None:
    """Streamlit keeps a value only where somebody listens for its change."""
