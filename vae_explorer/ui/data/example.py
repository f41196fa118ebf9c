"""A zip for those who have none at hand: some of scikit-learn's handwritten digits, each class in a folder."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import streamlit as st

from vae_explorer import data
from vae_explorer.data.modality import PICTURES

EACH = 10  # images of every class
FILE = "example-digits.zip"
LOOKS = """
my-images.zip
├── cats
│   ├── 0001.png
│   └── 0002.png …
└── dogs
    ├── 0001.png
    └── 0002.png …
"""


def show() -> None:
    """Shows what a zip looks like inside, and offers one to try."""
    st.caption("A zip looks like this inside. The folders' names become the classes.")
    st.code(LOOKS.strip(), language=None)
    st.download_button(
        "Get an example zip",
        archive,
        FILE,
        "application/zip",
        on_click="ignore",
        help="100 digits, to be added like your own.",
    )


@st.cache_data(show_spinner=False)
def archive() -> bytes:
    """Returns a zip of `EACH` images of every digit, the same bytes each time."""
    images = data.load("digits", "train")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for label, name in enumerate(images.names):
            for k, index in enumerate(np.flatnonzero(images.labels == label)[:EACH]):
                picture = PICTURES.exported(images.pixels[index].repeat(4, 0).repeat(4, 1))
                file.writestr(zipfile.ZipInfo(f"digits/{name}/{k:04}.png"), picture)
    return out.getvalue()
