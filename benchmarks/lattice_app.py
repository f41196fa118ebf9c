"""The same interaction built the obvious way: what `benchmarks.clicks` compares the app with.

`st.plotly_chart` reports clicks on points only, so an invisible lattice of points covers the plane. The
figure is cached, a click runs a fragment and not the page, and all settings are Streamlit's defaults.
"""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from plotly import graph_objects as go  # type: ignore[import-untyped]

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images, load
from vae_explorer.latent.encoding import decode, encode

MODEL = "mnist-vae-2d"
SIDE = 100  # points along each side of the lattice
HALF = 4.0  # latent units from the middle of the lattice to its edge
BETA = 1.0


@st.cache_resource
def checkpoint() -> Checkpoint:
    """Returns the model; all sessions share it."""
    return checkpoints.load(checkpoints.find(MODEL))


@st.cache_resource
def images() -> Images:
    """Returns the images on the map; all sessions share them."""
    return load("mnist", "test")


@st.cache_data
def figure() -> go.Figure:
    """Returns the codes by class, under the lattice."""
    _, labels, names, *_ = images()
    codes = encode(checkpoint().arrays, images().pixels, BETA).mean
    drawn = go.Figure(layout={"height": 560, "margin": {"l": 0, "r": 0, "t": 0, "b": 0}})
    for label, name in enumerate(names):
        x, y = codes[labels == label].T
        drawn.add_scattergl(x=x, y=y, mode="markers", name=name, marker={"size": 3}, hoverinfo="skip")
    x, y = lattice().T
    drawn.add_scattergl(x=x, y=y, mode="markers", marker={"opacity": 0}, showlegend=False)
    drawn.update_xaxes(range=[-HALF, HALF])
    drawn.update_yaxes(range=[-HALF, HALF], scaleanchor="x")
    return drawn


def lattice() -> NDArray[np.float32]:
    """Returns the points that can be clicked, `(SIDE * SIDE, 2)`."""
    ticks = np.linspace(-HALF, HALF, SIDE, dtype=np.float32)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


@st.fragment
def explorer() -> None:
    """Shows the map, and the decoded image of the lattice point that was clicked."""
    left, right = st.columns([4, 3])
    with left:
        event = st.plotly_chart(figure(), key="map", on_select="rerun", selection_mode="points")
    points = event["selection"]["points"]
    x, y = (points[0]["x"], points[0]["y"]) if points else (0.0, 0.0)
    mean = decode(checkpoint().arrays, np.array([[x, y]], np.float32), BETA)[0]
    right.image(mean, caption=f"Decoded image at z = ({x:.2f}, {y:.2f})", width=280)


st.set_page_config(page_title="The obvious way", layout="wide")
explorer()
