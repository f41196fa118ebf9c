"""The Compare page's caches, apart from the others: SciPy and scikit-learn take long to import."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vae_explorer import data
from vae_explorer.latent.gaps import fields
from vae_explorer.latent.gaps.measures import FIELDS
from vae_explorer.latent.gaps.recognition import Judges, can_judge, fit_judges
from vae_explorer.measured import gap_tables
from vae_explorer.measured.gap_tables import GapTable
from vae_explorer.ui.shell import messages
from vae_explorer.ui.shell.store import Key, checkpoint, encoding, images
from vae_explorer.ui.state.limits import Limits

FIELD_SIDE = 100  # cells of a gap field
FIELDS_KEPT = 32


@st.cache_resource(max_entries=4, show_spinner=False)
def judges(name: str) -> Judges:
    """Returns the classifiers of a data set's real images."""
    return fit_judges(data.load(name, "train"), data.load(name, "validation"), seed=0)


@st.cache_resource(max_entries=16, show_spinner=False)
def fields_of(name: str) -> tuple[str, ...]:
    """Returns the gap fields that can be computed for a data set: the user's own may not have two classes."""
    judged = name in data.DATASETS or can_judge(data.load(name, "train"), data.load(name, "validation"))
    return tuple(field for field, each in FIELDS.items() if judged or "judges" not in each.needs)


@st.cache_resource(show_spinner=False)
def _gap_fields() -> dict[tuple[object, ...], NDArray[np.float32]]:
    """Holds the last gap fields; a cached function may not draw, and these tell how far they have come."""
    return {}


def gap_field(of: Key, limits: Limits, field: str, beta: float, show: Callable[[float], None]) -> NDArray[np.float32]:
    """Returns a field of the plane, `(side, side)`, the first row at the top."""
    kept, key = _gap_fields(), (of, limits, field, beta)
    if key not in kept:
        loaded = checkpoint(of)
        needs = FIELDS[field].needs
        values = fields.gap_field(
            loaded.arrays,
            encoding(of, beta).mean,
            messages.extent_of(limits),
            FIELD_SIDE,
            field,
            beta,
            pixels=images(loaded.config.data, of.part).pixels if "images" in needs else None,
            judges=judges(loaded.config.data) if "judges" in needs else None,
            show=show,
        )
        while len(kept) >= FIELDS_KEPT:
            kept.pop(next(iter(kept)), None)
        kept[key] = values
    return kept[key]


@st.cache_resource(max_entries=16, show_spinner=False)
def gap_table(of: Key) -> GapTable | None:
    """Returns the measures over the KL weight, if they have been computed."""
    return gap_tables.find(checkpoint(of))
