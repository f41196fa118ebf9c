"""What takes PyTorch a while: fields of the plane, worst spots, classes of draws; the first looked at first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from vae_explorer import text
from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.data import DataError
from vae_explorer.latent.gaps.classifier import Classifier
from vae_explorer.latent.gaps.measures import FIELDS
from vae_explorer.models.dense import dense_plan
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.together import Show, side_by_side
from vae_explorer.ui.compare.view import CLASS, SIDES, DuelView
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell.caches import once
from vae_explorer.ui.shell.store import Key
from vae_explorer.ui.state.codecs import Seen

AROUND = 1.5  # times half of what is seen on the map's shorter side: as much of the plane as a field covers
NEARER = 0.7  # times the home square: a window below that gets a field of its own

Extent = tuple[float, float, float, float]
Field = tuple[gap_store.Grid, Sequence[gap_store.Spot]]


class Letter(NamedTuple):
    """A message, and whom it is for: a side, or both."""

    side: str | None
    kind: str
    message: bytes


def letters(duel: Duel, view: DuelView, show: Show) -> Iterator[Letter]:
    """Yields what a view needs beside its answer; tells how far the longest of it has come."""
    gaps = view.field if view.field in FIELDS else None
    if gaps:
        yield from _fields(duel, view, "draft", lambda _: None)
    yield from _classes_of_draws(duel, view)
    if gaps:
        yield from _fields(duel, view, "near", lambda _: None)
        yield from _fields(duel, view, "field", show)
    if view.field == CLASS:
        yield from _territories(duel, view, "classes", show)
        yield from _territories(duel, view, "classes-near", lambda _: None)


def _fields(duel: Duel, view: DuelView, kind: str, show: Show) -> Iterator[Letter]:
    """Yields the gap field of both sides: a first pass, the whole with its worst spots, or the part that is seen.

    Both are computed at once, so that neither is seen a second before the other.
    """
    field = str(view.field)
    cells = gap_store.DRAFT_SIDE if kind == "draft" else gap_store.FIELD_SIDE
    windows = [side.limits.home for side in duel.sides] if kind != "near" else _near(duel, view)
    asked: list[tuple[str, Scene, dict[str, Any], Callable[[Show], Field]]] = []
    for k, (name, side, beta, window) in enumerate(zip(SIDES, duel.sides, duel.weights(view), windows, strict=True)):
        if window is not None:
            extent = _around(window)
            header = {"kind": kind, "field": field, "beta": beta, "side": cells, "extent": extent}
            draws = (view.spaces[k], view.seed, duel.limits.axes) if kind == "field" else None
            asked.append((name, side, header, partial(_field, side.key, extent, field, beta, cells, draws)))
    for (name, side, header, _), made in zip(asked, side_by_side([work for *_, work in asked], show), strict=True):
        try:
            values, spots = made.result()
        except (ValueError, DataError, CheckpointError) as error:  # too few images for a classifier, say
            title = FIELDS[field].title
            absent = f"{title} cannot be computed for {side.name}: {text.shown(str(error), 300)}."
            yield Letter(name, kind, pack({"kind": kind, "field": field, "absent": absent}, {}))
            continue
        worst = [{"z": spot.z, "value": spot.value} for spot in spots]
        yield Letter(name, kind, pack(header | {"spots": worst}, {"values": values}))


def _field(
    of: Key, extent: Extent, field: str, beta: float, cells: int, draws: tuple[str, int, int] | None, show: Show
) -> Field:
    values = gap_store.gap_field(of, extent, field, beta, cells, show)
    return values, gap_store.worst_spots(of, field, beta, *draws) if draws else ()


def _near(duel: Duel, view: DuelView) -> list[Seen | None]:
    """Returns what is seen of each map where that is so little, or so much, that it gets a field of its own."""
    return [
        window if window is not None and _is_apart(window, side.limits.home) else None
        for window, side in zip(view.windows, duel.sides, strict=True)
    ]


def _is_apart(window: Seen, home: Seen) -> bool:
    """Says whether a window is much smaller than the home square, or beyond what is computed around that."""
    beyond = max(abs(window[0] - home[0]), abs(window[1] - home[1])) + window[2] > AROUND * home[2]
    return window[2] <= NEARER * home[2] or beyond


def _around(window: tuple[float, ...]) -> Extent:
    """Returns what a map may show of the plane at most: it is wider or higher than a square."""
    x, y, half = window
    reach = AROUND * half
    return (x - reach, x + reach, y - reach, y + reach)


def _classes_of_draws(duel: Duel, view: DuelView) -> Iterator[Letter]:
    """Yields the classifier for the browser, and what it says of many draws from both sides; or why it says nothing."""
    absent = gap_store.unjudged(duel.sides[0].config.data)
    if absent:
        yield Letter(None, "judge", pack({"kind": "judge", "absent": absent}, {}))
        sides: list[dict[str, Any]] = [{"absent": absent}] * len(SIDES)
    else:
        yield Letter(None, "judge", judge_message(gap_store.classifier_later(duel.sides[0].config.data)))
        weights = duel.weights(view)
        sides = [
            gap_store.counts(side.key, beta, space, view.seed, duel.limits.axes)
            for side, beta, space in zip(duel.sides, weights, view.spaces, strict=True)
        ]
    header = {"kind": "counts", "seed": view.seed, "spaces": view.spaces, "beta": view.beta, "sides": sides}
    yield Letter(None, "counts", pack(header, {}))


@once(8)
def judge_message(made: Future[Classifier]) -> bytes:
    """Returns a classifier that is there as the browser runs it: every click sends it, and packing it takes longer."""
    classifier = made.result()
    plan, weights = dense_plan(classifier)
    return pack({"kind": "judge", "plan": plan, "classes": classifier.classes}, {"weights": weights})


def _territories(duel: Duel, view: DuelView, kind: str, show: Show) -> Iterator[Letter]:
    """Yields the classes of both planes, or of what is seen of them, at a ladder of KL weights; or why not."""
    windows = _near(duel, view) if kind == "classes-near" else [side.limits.home for side in duel.sides]
    absent = gap_store.unjudged(duel.sides[0].config.data)
    for k, (name, side, window) in enumerate(zip(SIDES, duel.sides, windows, strict=True)):
        if window is None:
            continue
        if absent:
            yield Letter(name, kind, pack({"kind": kind, "absent": absent}, {}))
            continue
        rungs, shares = gap_store.class_grids(side.key, _around(window), _half(show, k))
        header = {
            "kind": kind,
            "rungs": rungs,
            "extent": _around(window),
            "side": shares.shape[1],
            "classes": gap_store.classifier_later(side.config.data).result().classes,
        }
        yield Letter(name, kind, pack(header, {"values": shares}))


def _half(show: Show, k: int) -> Show:
    return lambda done: show((k + done) / len(SIDES))
