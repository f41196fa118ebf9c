"""The live map: a Components v2 component that draws on a canvas and answers anywhere.

The modules in `scatter/` are a scatter plot that knows nothing of autoencoders; the others are what the
pages add to it. `modules.py` joins them to one text a component.

The map is sent its world once. What changes comes by couriers, small components without a picture of
their own: each hands its message to the map of the same name, and the map reports through the one
that brought the answer. So a click runs and sends the answer's fragment alone. What is drawn has a courier
and a fragment of its own, and is reported as a trigger: no click carries pictures along.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vae_explorer.ui.canvas.modules import joined, read
from vae_explorer.ui.canvas.wire import addressed, pack

__all__ = [
    "DRAWN",
    "SEEN",
    "answer",
    "answer_key",
    "drawing",
    "drawing_key",
    "duel",
    "latent_map",
    "map_saver",
    "send",
    "share",
    "theory",
    "training_film",
]

SEEN = "seen"  # the one state that the browser reports: all that the user has set
DRAWN = "drawn"  # a trigger: pictures are not reported again with every click


def _read(*names: str) -> str:
    return "\n".join(map(read, names))


def _page(name: str) -> str:
    return read(name).replace("<!-- weight.html -->", read("weight.html"))


_map = st.components.v2.component(
    "vae_explorer_latent_map",
    html=_page("latent_map.html"),
    css=_read("controls.css", "latent_map.css", "charts.css", "drawing/drawing.css"),
    js=joined("latent_map.js"),
)
_duel = st.components.v2.component(
    "vae_explorer_duel",
    html=_page("duel/duel.html"),
    css=_read("controls.css", "duel/duel.css", "duel/tabs.css", "drawing/drawing.css"),
    js=joined("duel/duel.js"),
)
_training_film = st.components.v2.component(
    "vae_explorer_training_film",
    html=_read("film/training.html"),
    css=_read("controls.css", "film/training.css"),
    js=joined("film/training.js"),
)
_theory = st.components.v2.component(
    "vae_explorer_theory",
    html=_read("theory/theory.html"),
    css=_read(
        *("controls.css", "theory/theory.css", "theory/story.css"),
        "theory/screens/bayes.css",
        "theory/screens/coding.css",
        "theory/screens/gradient.css",
        "theory/screens/iwae.css",
        "theory/screens/mle.css",
        "theory/screens/reparameterization.css",
    ),
    js=joined("theory/theory.js"),
)
_share = st.components.v2.component(
    "vae_explorer_share",
    html=_read("share.html"),
    css=_read("controls.css", "share.css"),
    js=joined("share.js"),
)
_courier = st.components.v2.component("vae_explorer_courier", js=joined("courier.js"))

_saver = st.components.v2.component(
    "vae_explorer_saver",
    html=_read("portrait/saver.html"),
    css=_read("portrait/saver.css"),
    js=joined("portrait/saver.js"),
)


def latent_map(data: bytes, name: str) -> None:
    """Shows the map of this name."""
    _map(key=f"map-{name}", data=addressed(name, data))


def map_saver(name: str, stem: str, title: str) -> None:
    """Shows buttons that save the map of this name as a picture, with this title, in files of this name."""
    _saver(key=f"saver-{name}", data=addressed(name, pack({"kind": "saver", "stem": stem, "title": title}, {})))


def duel(name: str) -> None:
    """Shows two maps beside each other; their worlds come by couriers, to `{name}-left` and `{name}-right`."""
    _duel(key=f"map-{name}", data=addressed(name, pack({"kind": "duel"}, {})))


def training_film(name: str) -> None:
    """Shows the film of a run; its epochs come by couriers."""
    _training_film(key=f"map-{name}", data=addressed(name, pack({"kind": "training"}, {})))


def theory(data: bytes, name: str) -> None:
    """Shows a screen of the course; its world and its answers come by couriers."""
    _theory(key=f"map-{name}", data=addressed(name, data))


def share() -> None:
    """Shows the buttons that copy the link and present, and hears the presenter's key."""
    with st.container(key="share"):
        _share(key="share-buttons", height="content")


def answer(data: bytes, name: str) -> None:
    """Hands the map what Python says; what the user sets on it lies under the name in the session state."""
    _courier(key=answer_key(name), data=addressed(name, data), height=1, on_seen_change=_noted)


def answer_key(name: str) -> str:
    """Returns where the session state keeps what the map of this name reports."""
    return f"answer-{name}"


def send(data: bytes, name: str, kind: str) -> None:
    """Hands the map a message that comes once, or late."""
    _courier(key=f"{kind}-{name}", data=addressed(name, data), height=1)


def drawing(data: bytes, name: str, drawn: Callable[[], None]) -> None:
    """Hands the map what Python says of the drawing; `drawn` is called when the pad reports another one."""
    _courier(key=drawing_key(name), data=addressed(name, data), height=1, on_drawn_change=drawn)


def drawing_key(name: str) -> str:
    """Returns where the session state holds what the pad of this page reports, while `drawn` runs."""
    return f"drawing-{name}"


def _noted() -> None:
    """Streamlit keeps a value only where somebody listens for its change."""
