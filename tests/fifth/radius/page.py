"""The latent map of one model, and how many of its codes lie within a radius that is set, linked and exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from vae_explorer import text
from vae_explorer.ui import canvas
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE as MAP
from vae_explorer.ui.shell import say, store
from vae_explorer.ui.shell.head import aside, head
from vae_explorer.ui.state.codecs import Fixed
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.table import Codec, Row, Table
from vae_explorer.ui.state.words import Refused, number, quoted

MODEL = "digits-vae-2d"
MOST = 4.0  # latent units


@dataclass(frozen=True, kw_only=True)
class View:
    model: str
    radius: float = 1.0


class Radius(Codec[Limits]):
    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> float:
        if not 0 <= (radius := number(text)) <= MOST:
            raise Refused(f"{name} = {quoted(text)} is not a number from 0 to {MOST:g}.")
        return radius

    def to_link(self, name: str, value: float) -> dict[str, str]:
        return {name: f"{value:g}"}


STATE: Table[View, Limits] = Table(
    View,
    (
        Row(name="model", codec=Fixed(), default=lambda limits: limits.model),
        Row(name="radius", codec=Radius(), default=lambda _: 1.0),
    ),
    lambda view, _: view,
)


def page() -> None:
    caption, export = head(2)
    scene = Scene(MODEL)
    if "radius" not in st.session_state:
        view, refusals = STATE.parse(st.query_params.to_dict(), scene.limits)
        st.session_state.radius = view.radius
        if refusals:
            say.warning(refusals)
    radius = st.slider("Radius, latent units", 0.0, MOST, key="radius")
    st.query_params.from_dict(STATE.link(View(model=MODEL, radius=radius)))
    mean = store.encoding(scene.key, 1.0).mean
    within = np.flatnonzero(np.linalg.norm(mean, axis=1) <= radius)
    aside(caption, f"{len(within):,} of {len(mean):,} test images have codes within {radius:g} latent units.")
    canvas.latent_map(scene.world(), "radius")
    start = MAP.start(scene.limits)
    canvas.answer(scene.answer(start, start), "radius")
    with export:
        st.download_button("Export", text.csv_file(["image"], [[int(k)] for k in within]), "within.csv", "text/csv")
