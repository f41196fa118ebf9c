"""What can be taken away of a screen: its picture, and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from vae_explorer import text
from vae_explorer.ui import canvas
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.theory import answers
from vae_explorer.ui.theory.screen import Screen, View


def export(screen: Screen, scene: Scene, view: View) -> None:
    """Shows the downloads once they are opened; the table is made when it is asked for."""
    place = st.popover("Export", width="stretch", key="export_theory", on_change="rerun")
    if not place.open:
        return
    with place:
        stem = f"{text.file_name(scene.name)}-{screen.name}"
        weight = f" · KL weight {view.beta:g}" if view.beta is not None else ""
        canvas.map_saver("theory", stem, f"{screen.title} · {scene.name}{weight} · image {view.image}")
        st.download_button(
            "Numbers (CSV)",
            lambda: numbers_csv(screen, scene, view),
            f"{stem}.csv",
            "text/csv",
            on_click="ignore",
            width="stretch",
        )


def numbers_csv(screen: Screen, scene: Scene, view: View) -> str:
    """Returns all numbers that a screen opens with: name, place within it, value."""
    header, arrays = answers.main(screen, scene, view)
    state = {row.name: getattr(view, row.name) for row in screen.table.rows}
    rows = [*_rows(state, "state."), *_rows(header), *_rows({name: each.tolist() for name, each in arrays.items()})]
    return text.csv_file(["name", "index", "value"], rows)


def _rows(values: dict[str, Any], before: str = "") -> Iterator[list[str | int | float]]:
    """Yields the leaves of a JSON object: names joined by dots, places in lists by commas."""

    def leaves(name: str, places: tuple[int, ...], value: Any) -> Iterator[list[str | int | float]]:
        if isinstance(value, dict):
            for key, each in value.items():
                yield from leaves(f"{name}.{key}", places, each)
        elif isinstance(value, list | tuple):
            for k, each in enumerate(value):
                yield from leaves(name, (*places, k), each)
        elif value is not None:
            yield [name, ",".join(map(str, places)), value if isinstance(value, int | float) else str(value)]

    for name, value in values.items():
        yield from leaves(before + name, (), value)
