"""The Compare page's caches, apart from the others: SciPy and scikit-learn take long to import."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vae_explorer import data, text
from vae_explorer.latent.encoding import decode
from vae_explorer.latent.gaps import classes, fields
from vae_explorer.latent.gaps.classifier import Classifier, can_judge
from vae_explorer.latent.gaps.measures import FIELDS
from vae_explorer.latent.gaps.sampling import points
from vae_explorer.measured import classifiers, gap_tables
from vae_explorer.measured.gap_tables import GapTable
from vae_explorer.ui.compare.together import Show
from vae_explorer.ui.compare.view import CLASS, SPOTS
from vae_explorer.ui.shell import messages
from vae_explorer.ui.shell.caches import once
from vae_explorer.ui.shell.store import Key, checkpoint, encoding, images

FIELD_SIDE = 100  # cells of a gap field
DRAFT_SIDE = 25  # of its first pass
HEAVY = ("density", "nearest")  # fields whose first pass is of `FEW` codes or images: to look at all takes longer
FEW = 2000
CLASS_SIDE = 64  # cells of the classes' field
CLASS_RUNGS = 9  # KL weights that it is computed at; between them, on straight lines
FIELDS_KEPT = 64
GRIDS_KEPT = 16
DRAWS = 4000  # whose classes are counted
SEARCHED = 1000  # of them, among which the worst spots are searched

Extent = tuple[float, float, float, float]
Grid = NDArray[np.float32]
K = TypeVar("K")
T = TypeVar("T")


class Spot(NamedTuple):
    """A latent point that the model is sampled at, and a field's value there."""

    z: tuple[float, ...]
    value: float


@lru_cache(maxsize=8)
def classifier_later(name: str) -> Future[Classifier]:
    """Returns a data set's network classifier as it will be: fitting one takes seconds, for which no click may wait."""
    made: Future[Classifier] = Future()
    threading.Thread(target=_find, args=(made, name), daemon=True).start()
    return made


def _find(made: Future[Classifier], name: str) -> None:
    try:
        made.set_result(classifiers.load(name))
    except Exception as error:  # noqa: BLE001  # whatever it is: nobody waits for what never comes
        made.set_exception(data.DataError(str(error) or type(error).__name__))


def unjudged(name: str) -> str:
    """Says why there is no classifier of a data set, or none yet; empty where there is one."""
    made = classifier_later(name)
    if not made.done():
        return "A classifier of the real images is being fitted: some seconds, once."
    error = made.exception()
    return f"There is no classifier of these images: {text.shown(str(error), 200)}." if error else ""


@lru_cache(maxsize=1)
def warm(of: Key) -> None:
    """Takes a derivative while nobody waits for one: the first of a process takes a second more."""
    loaded = checkpoint(of)
    first = np.zeros((1, loaded.config.latent), np.float32)
    threading.Thread(target=loaded.arrays.jacobian, args=(first, loaded.config.beta, 1), daemon=True).start()


@once(16)
def fields_of(name: str) -> tuple[str, ...]:
    """Returns the fields that can be computed for a data set: the user's own may not have two classes."""
    judged = name in data.DATASETS or can_judge(data.load(name, "train"), data.load(name, "validation"))
    gaps = tuple(field for field, each in FIELDS.items() if judged or "judges" not in each.needs)
    return (*gaps, CLASS) if judged else gaps


@st.cache_resource(show_spinner=False)
def _gap_fields() -> dict[tuple[object, ...], Grid]:
    """Holds the last gap fields; a cached function may not draw, and these tell how far they have come."""
    return {}


@once(16)
def answer(of: Key, field: str, beta: float, most: int | None = None) -> fields.FieldAnswer:
    """Returns what knows a field at any latent point of a model, from so many codes or images at most."""
    loaded = checkpoint(of)
    needs = FIELDS[field].needs
    codes = encoding(of, beta).mean
    pixels = images(loaded.config.data, of.part).pixels if "images" in needs else None
    return fields.FieldAnswer(
        loaded.arrays,
        codes if most is None else data.evenly(codes, most),
        field,
        beta,
        pixels=pixels if most is None or pixels is None else data.evenly(pixels, most),
        classifier=classifier_later(loaded.config.data).result() if "judges" in needs else None,
    )


def gap_field(of: Key, extent: Extent, field: str, beta: float, side: int, show: Show) -> Grid:
    """Returns a field of a part of the plane, `(side, side)`, the first row at the top."""
    kept, key = _gap_fields(), (of, extent, field, beta, side)
    if key not in kept:
        rough = FEW if side == DRAFT_SIDE and field in HEAVY else None
        values = answer(of, field, beta, rough).grid(extent, side, show)
        _keep(kept, key, values, FIELDS_KEPT)
    return kept[key]


@once(64)
def worst_spots(of: Key, field: str, beta: float, space: str, seed: int, axes: int) -> tuple[Spot, ...]:
    """Returns the draws at which a field is worst, worst first, none near another: where a model would be sampled."""
    z = _draws(of, beta, space, seed, axes)[:SEARCHED]
    values = answer(of, field, beta).at(z)
    worst = fields.worst_spots(values, z, FIELDS[field].better, SPOTS)
    return tuple(Spot(tuple(map(float, z[k])), float(values[k])) for k in worst)


@once(64)
def counts(of: Key, beta: float, space: str, seed: int, axes: int) -> dict[str, Any]:
    """Returns what the classifier says of many draws: how many of each class, which are missing, the recognised."""
    loaded = checkpoint(of)
    decoded = decode(loaded.arrays, _draws(of, beta, space, seed, axes), beta)
    names = images(loaded.config.data, of.part).names
    classifier = classifier_later(loaded.config.data).result()
    shares = classes.shares(classifier, decoded, len(names))
    return {
        "counts": shares.counts.tolist(),
        "known": list(classifier.classes),
        "recognised": float(shares.recognised),
        "missing": list(shares.missing),
        "draws": DRAWS,
    }


def _draws(of: Key, beta: float, space: str, seed: int, axes: int) -> Grid:
    """Returns draws `(DRAWS, D)` that begin with those of the sheet: of the same numbers `(DRAWS, axes)`."""
    table, codes = gap_table(of), encoding(of, beta).mean
    return points(space, codes, noise(seed, DRAWS, axes)[:, : codes.shape[1]], None if table is None else table.mixture)


def noise(seed: int, count: int, axes: int) -> Grid:
    """Returns a seed's standard normal numbers `(count, axes)`; more of them begin with the same ones."""
    return np.random.default_rng(seed).standard_normal((count, axes)).astype(np.float32)


@once(1)
def _class_grids() -> dict[tuple[Key, Extent], tuple[list[float], NDArray[np.uint8]]]:
    """Holds the last grids of classes."""
    return {}


def class_grids(of: Key, extent: Extent, show: Show) -> tuple[list[float], NDArray[np.uint8]]:
    """Returns KL weights, and 255 times the classes' probabilities over the plane at each, `(rungs, side, side, C)`."""
    kept, key = _class_grids(), (of, extent)
    if key not in kept:
        loaded = checkpoint(of)
        classifier = classifier_later(loaded.config.data).result()
        rungs = messages.ladder(loaded.config, CLASS_RUNGS)
        grids = []
        for done, beta in enumerate(rungs, 1):
            grids.append(classes.class_grid(loaded.arrays, classifier, extent, CLASS_SIDE, beta))
            show(done / len(rungs))
        _keep(kept, key, (rungs, np.round(255 * np.stack(grids)).astype(np.uint8)), GRIDS_KEPT)
    return kept[key]


def _keep(kept: dict[K, T], key: K, value: T, most: int) -> None:
    """Keeps a value with others, so many at most: the oldest goes."""
    while len(kept) >= most:
        kept.pop(next(iter(kept)), None)
    kept[key] = value


@st.cache_resource(max_entries=16, show_spinner=False)
def gap_table(of: Key) -> GapTable | None:
    """Returns the measures over the KL weight, if they have been computed."""
    return gap_tables.find(checkpoint(of))
