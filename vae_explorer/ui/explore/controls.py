"""The page's own widgets, and the view that a session begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import streamlit as st

from vae_explorer import data, text
from vae_explorer.checkpoints import files
from vae_explorer.ui import canvas
from vae_explorer.ui.explore import exports
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE, View, choose, fitting, parse, shifted
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.carried import Carried, brought, carry
from vae_explorer.ui.state.codecs import nearest_weight
from vae_explorer.ui.state.limits import Limits, is_index
from vae_explorer.ui.state.points import AtImage
from vae_explorer.ui.state.words import quoted

PAGE = "explore"
FIRST = "mnist-vae-2d"
ALL_HELP = "Training and validation images too, paler. Rate, distortion and gaps stay those of the test images."


class Seen(NamedTuple):
    """What Explore shows now, and of what."""

    view: View
    limits: Limits
    data: str


def names() -> tuple[list[str], list[str]]:
    """Returns the checkpoints that can be shown, the first one first, and a message for each that cannot."""
    entries = files.list_all()
    usable = sorted((entry.name for entry in entries if not entry.error), key=lambda name: (name != FIRST, name))
    return usable, [f"{entry.name} is not in the list. {entry.error}" for entry in entries if entry.error]


def model(usable: Sequence[str]) -> str:
    """Shows the model picker; it begins with the link's model, or the one that this session showed last."""
    state = st.session_state
    if state.get("model") not in usable:
        last: View | None = state.get("view")
        if last and last.model in usable:
            state.model, state.start = last.model, last
            state.back = True  # what Compare showed meanwhile comes along
        else:
            state.model, state.messages = choose(st.query_params.to_dict(), usable)
            state.linked = state.model
    return str(st.selectbox("Model", usable, format_func=text.shown, key="model", label_visibility="collapsed"))


def part() -> str:
    """Shows the switch between the test images and all; it begins with the link's, or with what was seen last."""
    state = st.session_state
    if "all_images" not in state:
        last: View | None = state.get("view")
        wanted = last.part if last else st.query_params.get("part", store.PART)
        if wanted not in (store.PART, data.ALL):
            state.messages = [*state.messages, f"part = {quoted(wanted)} is neither {store.PART} nor {data.ALL}."]
        state.all_images = wanted == data.ALL
    return data.ALL if st.toggle("All images", key="all_images", help=ALL_HELP) else store.PART


def start(scene: Scene) -> View:
    """Returns the view that the map began with: the link's, or the default of a model chosen later."""
    state = st.session_state
    if "start" not in state and scene.name == state.linked:
        query = st.query_params.to_dict()
        state.start, messages = parse(query, scene.limits)
        if not query.keys() - {"model", "part"}:
            state.start = _brought(state.start, scene)
        state.messages = [*state.messages, *messages]
    elif "start" not in state or (state.start.model, state.start.part) != (scene.name, scene.part):
        state.start, state.messages = _begun(scene), []
    elif state.pop("back", False):
        state.start = _brought(state.start, scene)
    state.start = fitting(state.start, scene.limits)
    return cast(View, state.start)


def _brought(view: View, scene: Scene) -> View:
    """Returns a view of what Compare shows, where it shows the same images."""
    last = brought(PAGE, scene.config.data)
    if last is None or scene.part != store.PART:
        return view
    if is_index(last.image, scene.limits.images):
        view = replace(view, point=AtImage(last.image))
    if last.beta is not None and scene.limits.beta:
        view = replace(view, beta=nearest_weight(last.beta, scene.limits.beta))
    return replace(view, hidden=last.hidden, window=last.windows.get(scene.name, view.window))


def _begun(scene: Scene) -> View:
    """Returns what a model chosen later opens with: what was seen of the last one, as far as it fits."""
    last: Seen | None = st.session_state.get("seen")
    if last is None or not scene.limits.images:
        return STATE.start(scene.limits)
    same = last.data == scene.config.data
    if same and last.limits.part != scene.part:  # the test part comes last of all
        more = len(scene.images.labels) - last.limits.images
        seen = shifted(last.view, more, replace(last.limits, images=len(scene.images.labels), part=scene.part))
        last = last._replace(view=seen, limits=scene.limits)
        if seen.model == scene.name:
            return seen
    return STATE.carried(last.view, last.limits, scene.limits, same=last.data == scene.config.data)


def current(scene: Scene, begun: View) -> tuple[View, bool]:
    """Returns the view after all that the map has reported, and whether it has been answered over the live channel."""
    reported = st.session_state.get(canvas.answer_key(scene.place), {}).get(canvas.SEEN) or {}
    st.session_state.view = STATE.updated(begun, reported, scene.limits)
    if scene.limits.images:  # what a decoder alone is shown with, nobody has chosen
        st.session_state.seen = Seen(st.session_state.view, scene.limits, scene.config.data)
        view: View = st.session_state.view
        image = view.image if scene.part == store.PART else None
        carry(Carried(PAGE, scene.config.data, image, view.beta, view.hidden, {scene.name: view.window}))
    return cast(View, st.session_state.view), reported.get("answered") is True


def export(scene: Scene, seen: View) -> None:
    """Shows the downloads once they are opened; each file is made when it is asked for."""
    place = st.popover("Export", width="stretch", key="export", on_change="rerun")
    if not place.open:  # ten elements, which every click would make again
        return
    with place:
        name = text.file_name(scene.name)
        stem = name if seen.beta is None else f"{name}-beta-{seen.beta:g}"
        weight = "" if seen.beta is None else f" · KL weight {seen.beta:g}"
        canvas.map_saver(scene.place, f"{stem}-map", f"{scene.name}{weight} · {scene.caption}")
        for label, file, mime, make in (
            ("Map, interactive (HTML)", f"{stem}-map.html", "text/html", lambda: exports.map_html(scene, seen)),
            ("Codes (CSV)", f"{stem}-codes.csv", "text/csv", lambda: exports.codes_csv(scene, seen)),
            (
                "Decoded image, large (PNG)",
                f"{stem}-decoded-large.png",
                "image/png",
                lambda: exports.decoded_large_png(scene, seen),
            ),
            ("Decoded image (PNG)", f"{stem}-decoded.png", "image/png", lambda: exports.decoded_png(scene, seen)),
            (
                "Checkpoint (safetensors)",
                f"{name}.safetensors",
                "application/octet-stream",
                lambda: exports.checkpoint_file(scene),
            ),
            ("Path (GIF)", f"{stem}-path.gif", "image/gif", lambda: exports.path_gif(scene, seen)),
        ):
            if label == "Path (GIF)" and len(seen.pins) < 2:
                continue
            st.download_button(label, make, file, mime, on_click="ignore", width="stretch")


def download(name: str) -> None:
    """Offers a data set that is not at hand, or only in part; shows the progress, or why it failed."""
    if name not in data.names() or not data.downloadable(name):
        return
    if not st.button(
        f"Download all ({data.megabytes(name)} MB)",
        help="All images, once, from its public source; then it works offline.",
    ):
        return
    bar = st.progress(0.0)

    def show(fraction: float) -> None:
        bar.progress(fraction)

    try:
        data.download(name, show)
    except data.DataError as error:
        st.session_state.refused = str(error)  # told below the head, where there is room
    else:
        store.forget_images()
    st.rerun()
