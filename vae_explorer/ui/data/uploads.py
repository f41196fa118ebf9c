"""The Data page's upload: what was understood of it, the choices, and the data set that is made of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer import data, text
from vae_explorer.data import DataError, own
from vae_explorer.data.own import Choices, Fit, Ground, Order, Reading, Summary, Upload, Values
from vae_explorer.ui.data import previews
from vae_explorer.ui.shell import say, store

SHOWN = 64  # images that are asked whether they are bright
CLASSES_TOLD = 12
HELP = f"""
* a **zip** of images (PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF with all its pages). Classes are read from its folders,
  from file names such as `cat_001.png`, or from a CSV file beside the images; numbers in that are kept too
* an **.npz** file with `images`, (N, H, W) or (N, H, W, 3), and maybe `labels`, (N,); also .npy, .mat, .h5 and MNIST's
  idx.gz files, and the names that Keras and scikit-learn use
* a **sheet** of images, one PNG or JPEG file, to be cut into tiles

From {own.LEAST} to {own.MOST:,} images. They are used at {own.LARGEST} x {own.LARGEST} pixels or smaller.
"""
FITS: dict[Fit, str] = {"pad": "Whole, with a margin", "crop": "The middle, cut"}
GROUNDS: dict[Ground, str] = {"black": "Black", "white": "White"}
_SELECTS = {
    "classes": (
        "Classes from",
        "What tells the classes apart: a level of folders, the file names, or a column of a CSV file.",
    ),
    "group": (
        "Keep together",
        "Images of one group (one patient, one writer, one session) go to training, validation or test together: "
        "otherwise the test is easier than new images will be.",
    ),
}
VALUES: dict[Values, str] = {"auto": "Chosen by their range", "stretch": "Darkest to brightest", "stored": "As stored"}
ORDERS: dict[Order, str] = {"auto": "Found by looking", "first": "The first", "last": "The last"}
_RADIOS: dict[str, tuple[str, Mapping[Any, str]]] = {
    "fit": ("Other shapes", FITS),
    "ground": ("Behind transparent pixels", GROUNDS),
    "order": ("Axis of the images", ORDERS),
    "values": ("Grey levels", VALUES),
}


def show() -> None:
    """Shows the upload from file to data set."""
    state = st.session_state
    st.subheader("Add images", anchor=False)
    kinds = [f".{kind}" for kind in own.KINDS]
    file = st.file_uploader("Images", kinds, key=f"data_file_{state.get('data_round', 0)}")
    if file is None:
        st.markdown(HELP)
        state.pop("data_read", None)
        return
    content = file.getvalue()
    found = _read(file.file_id, content, _reading(file.file_id))
    sheet = not content.startswith(b"PK")
    _ask(file.file_id, found, {"ground", *(["tile"] * sheet)} if isinstance(found, str) else found.asks)
    if isinstance(found, str):
        say.error(found)
        return
    st.html(f'<p class="aside">{"<br>".join(understood(found))}</p>')
    _left_out(found)
    choices = _choices(file.file_id, found)
    st.html(previews.by_class(found, choices))
    some = own.transformed(data.evenly(found.pixels, SHOWN), choices)
    if some.ndim == 3 and some.mean() > 127:
        st.caption("Most of it is bright. Inverted, ink is bright on black, as in MNIST: models learn that sooner.")
    st.html(f'<p class="aside">{kept(found, choices)}</p>')
    _add(file.name, found, choices)


def understood(upload: Upload) -> list[str]:
    """Returns what was understood of an upload, in lines of HTML."""
    height, width = upload.pixels.shape[1:3]
    low, high = upload.range
    read = "" if upload.sizes == f"{height} x {width}" else f", read at {height} x {width}"
    colour = "in colour" if upload.coloured else "in grey"
    lines = [
        f"<b>{len(upload.pixels):,} images</b> {colour}, {text.html(upload.sizes)} pixels{read}, "
        f"values {low:g} to {high:g}"
    ]
    if upload.names == own.UNLABELLED:
        lines.append("No labels: all images are of one class.")
    else:
        counts = np.bincount(upload.labels, minlength=len(upload.names))
        each = [f"{text.html(name)}: {count:,}" for name, count in zip(upload.names, counts, strict=True)]
        lines.append(f"{len(each)} classes: {', '.join(each[:CLASSES_TOLD])}{', …' * (len(each) > CLASSES_TOLD)}")
    return lines + [text.html(note, say.LONGEST) for note in upload.notes]


def kept(upload: Upload, choices: Choices) -> str:
    """Returns what the data set will be, in a line."""
    height, width = choices.size or upload.pixels.shape[1:3]
    colour = "in colour" if upload.coloured and not choices.grey else "in grey"
    train, validation, test = own.shares(upload)
    return (
        f"Kept at <b>{height} x {width}</b> pixels {colour}: {train:,} images to train, {validation:,} to validate, "
        f"{test:,} to test."
    )


def outline(found: Summary) -> str:
    """Returns a line about a data set of the list."""
    height, width, *channels = found.shape
    labels = f"{len(found.names)} classes" if found.labelled else "no labels"
    train, validation, test = found.counts
    colour = "colour" if channels else "grey"
    return (
        f"{sum(found.counts):,} images ({train:,} to train, {validation:,} to validate, {test:,} to test) · "
        f"{height} x {width} · {colour} · {labels} · from {found.origin}"
    )


def free_name(file: str) -> str:
    """Returns a name for a data set that is made of an uploaded file."""
    stem = re.sub("[^a-z0-9]+", "-", Path(file).stem.lower()).strip("-")[:30] or "images"
    taken = data.names()
    return next(name for name in (stem, *(f"{stem}-{k}" for k in range(2, 10_000))) if name not in taken)


def _reading(file: str) -> Reading:
    """Returns the choices of reading that were made for a file so far."""
    state = st.session_state
    plain = Reading()
    height, width = (state.get(f"data_{side}_{file}") for side in ("height", "width"))
    return Reading(
        fit=cast(Fit, state.get(f"data_fit_{file}", plain.fit)),
        ground=cast(Ground, state.get(f"data_ground_{file}", plain.ground)),
        tile=(int(height), int(width)) if height and width else None,
        gap=state.get(f"data_gap_{file}"),
        order=cast(Order, state.get(f"data_order_{file}", plain.order)),
        values=cast(Values, state.get(f"data_values_{file}", plain.values)),
        classes=state.get(f"data_classes_{file}", plain.classes),
        group=state.get(f"data_group_{file}", plain.group),
    )


def _read(file: str, content: bytes, reading: Reading) -> Upload | str:
    """Reads the file, once for each choice; returns the reason where it cannot be used."""
    known = st.session_state.get("data_read")
    if known and known[0] == file and reading in known[1]:
        return cast("Upload | str", known[2])
    st.session_state.pop("data_read", None)  # before the next one takes memory
    bar = st.progress(0.0, "Reading the images")
    found: Upload | str
    try:
        found = own.read(content, reading, lambda share: _tell(bar, share, "Reading the images"))
    except DataError as error:
        found = str(error)
    bar.empty()
    same = {reading} if isinstance(found, str) else _alike(reading, found)
    st.session_state.data_read = (file, same, found)
    return found


def _alike(reading: Reading, found: Upload) -> set[Reading]:
    """Returns the readings that give the same: a proposal may be named, or left to the reader."""
    first = {name: options[0].key for name, options in _offers(found).items() if options}
    choices = {
        name: {value, first[name], ""} if name in first and value in ("", first[name]) else {value}
        for name, value in (("classes", reading.classes), ("group", reading.group))
    }
    return {
        replace(reading, tile=tile, gap=gap, classes=classes, group=group)
        for tile, gap in ((reading.tile, reading.gap), (found.tile, found.gap))
        for classes in choices["classes"]
        for group in choices["group"]
    }


def _offers(found: Upload) -> dict[str, tuple[own.Option, ...]]:
    return {"classes": found.class_options, "group": found.group_options}


def _ask(file: str, found: Upload | str, asks: Collection[str]) -> None:
    """Shows those choices of reading that would change something."""
    if isinstance(found, Upload):
        offers = {name: options for name, options in _offers(found).items() if name in asks}
        for column, (name, options) in zip(st.columns(2) if offers else (), offers.items(), strict=False):
            _select(column, _SELECTS[name], options, f"data_{name}_{file}")
    radios = {name: each for name, each in _RADIOS.items() if name in asks}
    for column, (name, (title, values)) in zip(st.columns(3) if radios else (), radios.items(), strict=False):
        column.radio(title, list(values), format_func=values.__getitem__, key=f"data_{name}_{file}")
    if "tile" in asks:
        height, width = (found.tile if isinstance(found, Upload) else None) or (own.COMMON, own.COMMON)
        most = 64 * own.LARGEST
        gap = (found.gap if isinstance(found, Upload) else None) or 0
        left, right, between = st.columns(3)
        left.number_input("Tile height, pixels", own.SMALLEST, most, height, key=f"data_height_{file}")
        right.number_input("Tile width, pixels", own.SMALLEST, most, width, key=f"data_width_{file}")
        between.number_input("Lines between, pixels", 0, own.LARGEST, gap, key=f"data_gap_{file}")


def _select(column: DeltaGenerator, words: tuple[str, str], options: Sequence[own.Option], key: str) -> None:
    titles = {option.key: text.shown(option.title, 120) for option in options}
    if st.session_state.get(key) not in titles:  # what is offered depends on other choices
        st.session_state.pop(key, None)
    column.selectbox(words[0], list(titles), format_func=titles.__getitem__, key=key, help=words[1])


def _left_out(found: Upload) -> None:
    if found.skipped:
        with st.expander(f"{len(found.skipped):,} left out: {say.plain(own.reasons(found.skipped))}"):
            st.dataframe(
                {
                    "file": [text.shown(each.name, 200) for each in found.skipped],
                    "why": [text.shown(each.why, 200) for each in found.skipped],
                },
                hide_index=True,
                height=240,
            )


def _choices(file: str, found: Upload) -> Choices:
    full = found.pixels.shape[1:3]
    size, *switches = st.columns(3, vertical_alignment="bottom")
    side = int(
        size.number_input(
            "Longer side, pixels",
            own.least_side(full),
            own.LARGEST,
            own.proposed_side(full),
            key=f"data_side_{file}",
            help=f"{own.LARGEST} is the most; half the side trains about four times as fast.",
        )
    )
    inverted = switches[0].toggle("Invert", key=f"data_invert_{file}", help="Black and white change places.")
    coloured = found.coloured and switches[1].toggle("Colour", True, key=f"data_colour_{file}")
    kept = own.sized(full, side)
    size.caption(f"Kept at {kept[0]:d} x {kept[1]:d} pixels.")
    return Choices(size=kept, inverted=inverted, grey=not coloured)


def _add(file: str, found: Upload, choices: Choices) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    name = left.text_input("Name", free_name(file), key=f"data_name_{file}").strip()
    if not right.button("Add", type="primary", width="stretch"):
        return
    bar = st.progress(0.0, "Writing the data set")
    try:
        data.add(name, found, choices, file, lambda share: _tell(bar, share, "Writing the data set"))
    except DataError as error:
        bar.empty()
        say.error(error)
        return
    state = st.session_state
    store.forget_images()  # of a data set of that name that was deleted elsewhere
    state.pop("data_read", None)
    state.data_added = name
    state.data_round = state.get("data_round", 0) + 1  # an uploader of another key is empty
    st.rerun()


def _tell(bar: DeltaGenerator, share: float, words: str) -> None:
    bar.progress(min(1.0, share), words)
