"""Two checkpoints beside each other: what the Compare page shows of them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from vae_explorer import text
from vae_explorer.checkpoints import files
from vae_explorer.data import DataError
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import decode
from vae_explorer.latent.gaps.measures import FIELDS, MEASURES
from vae_explorer.latent.gaps.sampling import Mixture, points
from vae_explorer.latent.paths import straight
from vae_explorer.measured.gap_tables import GapTable
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.compare.state import STATE
from vae_explorer.ui.compare.view import NO_GAPS, SIDES, DuelLimits, DuelView
from vae_explorer.ui.explore.scene import TARGETS, Scene, tuple_text
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.messages import picture
from vae_explorer.ui.state.codecs import nearest_weight
from vae_explorer.ui.state.limits import filled
from vae_explorer.ui.state.points import to_json
from vae_explorer.ui.state.words import link

DRAWS = 64
WALK = 12  # images of a walk
SPOT = 1e-3  # standard deviation of codes on an axis, latent units: less is one spot, which gives no unit


class Duel:
    """Two scenes of the same images, each seen through its first two latent axes.

    Raises:
        DataError: If the images of one are not here: draws and places are measured in units of codes.
    """

    def __init__(self, left: Scene, right: Scene) -> None:
        for side in (left, right):
            if side.shown.absent:
                raise DataError(
                    f"{side.shown.absent} Two models are compared on images. Explore shows {side.name} alone."
                )
        self.sides = (left, right)
        self.images = left.images
        self.limits = DuelLimits(
            sides=(left.limits, right.limits),
            mixtures=(bool(self.mixture(left)), bool(self.mixture(right))),
            fields=gap_store.fields_of(left.config.data) if {left.limits.latent, right.limits.latent} == {2} else (),
        )

    @property
    def name(self) -> str:
        """What the page's components of this pair are called."""
        return f"duel-{self.sides[0].name}-{self.sides[1].name}"

    def weights(self, view: DuelView) -> tuple[float, ...]:
        """Returns the KL weight that each side is computed with."""
        return tuple(
            side.config.beta
            if side.limits.beta is None or view.beta is None
            else nearest_weight(view.beta, side.limits.beta)
            for side in self.sides
        )

    def points(self, view: DuelView) -> list[tuple[float, ...]]:
        """Returns each side's latent point, on all its axes: the image's codes, or the same place on both maps.

        The same place is equally many standard deviations of the codes out on the two axes shown. What the
        chosen side gives no unit for, a second axis that it lacks or an axis on which its codes are one spot,
        is the mean of the other side's codes. Axes that no map shows are 0.
        """
        codes = self._codes(view)
        if view.image is not None:
            return [tuple(map(float, each[view.image])) for each in codes]
        assert view.place is not None  # a view has one of both
        chosen = SIDES.index(view.side)
        units = _units(np.array(view.place[:2]), codes[chosen][:, :2])
        points = [filled(_place(units, each[:, :2]), side.limits) for side, each in zip(self.sides, codes, strict=True)]
        points[chosen] = view.place
        return points

    def noise(self, view: DuelView) -> NDArray[np.float32]:
        """Returns the seed's standard normal numbers `(DRAWS, D)`; a side of fewer axes takes the first columns."""
        return gap_store.noise(view.seed, DRAWS, self.limits.axes)

    def draws(self, view: DuelView) -> list[NDArray[np.float32]]:
        """Returns each side's draws `(DRAWS, D)` from what it is sampled from."""
        codes, noise = self._codes(view), self.noise(view)
        return [
            points(space, each, noise[:, : each.shape[1]], self.mixture(side))
            for space, each, side in zip(view.spaces, codes, self.sides, strict=True)
        ]

    def mixture(self, side: Scene) -> Mixture | None:
        """Returns the mixture of Gaussians fitted to a side's codes, kept with its gap table."""
        table = gap_store.gap_table(side.key)
        return None if table is None else table.mixture

    def answer(self, view: DuelView, start: DuelView) -> bytes:
        """Returns what PyTorch says of the view, and what the page begins with."""
        header, arrays = self.said(view)
        return pack({"kind": "answer", "start": self._state(start), **header}, arrays)

    def said(self, view: DuelView) -> tuple[dict[str, object], dict[str, NDArray[np.float32]]]:
        """Returns what PyTorch says of the view, its link, and the noise of its seed's draws."""
        sides = []
        pictures = self._pictures(view)
        for k, (side, beta, z) in enumerate(zip(self.sides, self.weights(view), self.points(view), strict=True)):
            terms = None if view.image is None else store.measured(side.key, view.image, beta)
            sides.append(
                {
                    "z": z,
                    "decoded": base64.b64encode(side.image(z, beta)).decode(),
                    "alt": f"Decoded image of {side.name} at z = {tuple_text(z)}",
                    "distortion": terms and terms.distortion,
                    "error": terms and terms.error,
                    "pictures": pictures[k],
                }
            )
        original = None if view.image is None else picture(self.images.pixels[view.image])
        header: dict[str, object] = {
            "link": link(STATE.link(view) | {"data": self.sides[0].limits.data}),
            "asked": self._state(view),
            "sides": sides,
            "original": original,
            "target": TARGETS[self.sides[0].target],
        }
        return header, {"noise": self.noise(view)}

    def tables(self) -> bytes:
        """Returns the measures of both sides over their KL weights, as far as they have been computed."""
        header = {
            "kind": "tables",
            "measures": {name: asdict(measure) for name, measure in MEASURES.items()},
            "fields": {name: _field(name) for name in self.limits.fields},
            "tables": [_table(gap_store.gap_table(side.key)) for side in self.sides],
            "further": [{"name": name, "table": _table(table)} for name, table in self._further()],
            "absent": None if self.limits.fields else NO_GAPS,
            "names": [side.name for side in self.sides],
        }
        return pack(header, {})

    def _further(self) -> Iterator[tuple[str, GapTable]]:
        """Yields other models of the same data and as many axes, as far as they have been measured."""
        here = {side.name for side in self.sides}
        first = self.sides[0].config
        for entry in files.list_all():
            config = entry.config
            if entry.error or config is None or entry.name in here:
                continue
            if (config.data, config.latent) == (first.data, first.latent):
                table = gap_store.gap_table(store.key(entry.name, self.sides[0].part))
                if table is not None:
                    yield entry.name, table

    def _codes(self, view: DuelView) -> list[NDArray[np.float32]]:
        return [store.encoding(side.key, beta).mean for side, beta in zip(self.sides, self.weights(view), strict=True)]

    def _pictures(self, view: DuelView) -> list[str | None]:
        """Returns the open tab's draws or walk as one picture, for a side that the browser knows on a plane alone."""
        pictures: list[str | None] = []
        for k, (side, beta) in enumerate(zip(self.sides, self.weights(view), strict=True)):
            if view.tab not in ("sample", "path") or side.config.backbone == "dense" or side.limits.latent <= 2:
                pictures.append(None)
                continue
            z = self.draws(view)[k] if view.tab == "sample" else self._walk(view, k)
            images = PICTURES.levels(decode(side.checkpoint.arrays, z, beta))
            pictures.append(picture(PICTURES.sheet(images) if view.tab == "sample" else np.hstack([*images])))
        return pictures

    def _walk(self, view: DuelView, side: int) -> NDArray[np.float32]:
        """Returns the straight walk `(WALK, D)` from the first of the ends to the other."""
        return straight(self._codes(view)[side][[*view.ends]], WALK - 1).astype(np.float32)

    def _state(self, view: DuelView) -> dict[str, object]:
        return asdict(view) | {"point": {"side": view.side, **to_json(view.point.point)}}


def _units(place: NDArray[np.float64], codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns a place `(A,)` in standard deviations `(2,)` of the codes `(N, A)` from their mean; 0 without a unit."""
    std = codes.std(0)
    units = np.zeros(2)
    np.divide(place - codes.mean(0), std, out=units[: len(place)], where=std > SPOT)
    return units


def _place(units: NDArray[np.float64], codes: NDArray[np.float32]) -> list[float]:
    """Returns the place on the axes of the codes `(N, A)`: the inverse of `_units`."""
    place: list[float] = (codes.mean(0) + units[: codes.shape[1]] * codes.std(0)).tolist()
    return place


def _field(name: str) -> dict[str, object]:
    """Returns how a field is read, as the browser takes it; that of classes has no scale."""
    field = FIELDS.get(name)
    return {} if field is None else asdict(field) | {"needs": sorted(field.needs)}


def _table(table: GapTable | None) -> dict[str, object] | None:
    """Returns a table as the browser reads it: values and standard errors over the KL weights."""
    if table is None:
        return None
    samplings = {
        sampling: {
            name: {
                "value": [score and score.value for score in scores],
                "error": [score and score.error for score in scores],
                "bound": table.bounds.get(name),
            }
            for name, scores in measures.items()
            if all(scores)
        }
        for sampling, measures in table.scores.items()
    }
    seeds = len(table.seeds)
    caption = f"{table.images:,} {text.shown(table.part)} images, {table.draws:,} draws for each of {seeds} seeds"
    caption += ", each with its own classifiers"
    caption += f", {text.shown(table.source, 200)}"
    if "mutual_information" in samplings["prior"]:
        together = f"{table.together:,} {text.shown(table.together_part)} images"
        caption += f"; KL and information with N = {together}, log N = {math.log(table.together):.2f} nats"
    return {"beta": table.beta, "samplings": samplings, "caption": caption, "mixture": _components(table.mixture)}


def _components(mixture: Mixture | None) -> dict[str, object] | None:
    return mixture and mixture._asdict()
