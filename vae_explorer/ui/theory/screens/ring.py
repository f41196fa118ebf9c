"""Any distribution from a Gaussian: where a map takes draws and a brushed square, and how dense they lie there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vae_explorer.data.modality import PICTURES
from vae_explorer.theory import flow, maps, surface
from vae_explorer.theory.maps import Moons, PlaneMap, Ring, Spiral
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.limits import is_index
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.state.words import Refused
from vae_explorer.ui.theory.codecs import Number, Numbers, Whole
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

MAPS = ("ring", "moons", "spiral", "drawing", "decoder")
BINS = 36
TILES = 7  # decoded images a side
UP = -1.0  # both coordinates of what stands between two strokes: the pen is up
SMALLEST, LARGEST = 0.02, 2.0  # half the side of a brushed square, latent units
SEED = 0  # of the flow


class Square(Numbers):
    """A square of z: its centre within [-3, 3]^2, and half its side."""

    def __init__(self) -> None:
        super().__init__(-3, 3, 3)

    def fits(self, values: tuple[float, ...]) -> bool:
        return super().fits(values) and SMALLEST <= values[2] <= LARGEST


@dataclass(frozen=True, kw_only=True)
class View(Common):
    g: str = "ring"  # the map
    a: float = 10.0  # of the ring
    at: tuple[float, ...] = (0.0, 0.0, 0.4)  # the brushed square: its centre, and half its side
    draws: int = 2000
    ink: tuple[float, ...] = ()  # what is drawn: points in the unit square, `UP` between strokes


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns what the map does to the brushed square and to the draws; of a drawing, `flow` says it."""
    view = asked.view
    if view.g == "decoder":
        return _surface(asked)
    if view.g == "drawing":
        return {"steps": flow.LAST, "chunk": flow.CHUNK}, {}
    return _said(view, {"ring": lambda: Ring(view.a), "moons": Moons, "spiral": Spiral}[view.g]())


def draws(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the draws of z, `(n, 2)`: the same that are counted."""
    return {}, {"z": maps.draws(asked.view.draws, asked.view.seed).astype(np.float32)}


def trained(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the flow after `step` steps; and, where `whole` is asked, what `main` says of another map."""
    step = asked.more.get("step", 0)
    if not is_index(step, flow.LAST + 1):
        raise Refused(f"step is no number from 0 to {flow.LAST}.")
    try:
        found = flow.training(_strokes(asked.view.ink), SEED).at(step)
    except ValueError as error:
        raise Refused(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    header, arrays = _said(asked.view, flow.FlowMap(found)) if asked.more.get("whole") is True else ({}, {})
    header |= {"step": step, "shift": found.shift.tolist(), "scale": found.scale.tolist()}
    return header, {**arrays, "layers": found.weights, "loss": found.loss}


def _said(view: View, g: PlaneMap) -> tuple[Header, Arrays]:
    x, y, half = view.at
    found, point = maps.square(g, (x, y), half), np.array([[x, y]])
    landing = g.land(point)
    histogram = maps.radial_histogram(g, view.draws, view.seed, BINS)
    header: Header = {
        **found._asdict(),
        "before": found.mass / found.area,
        "det": found.landed / found.area,
        "after": found.mass / found.landed,
        "lands": landing.y[0].tolist(),
        "point_det": float(np.exp(landing.log_det[0])),
        "point_density": float(np.exp(g.log_density(landing.y)[0])),
        "preimages": int(g.preimages(landing.y).real.sum()),
        "missed": histogram.missed,
    }
    arrays = {"edges": histogram.edges, "counts": histogram.counts, "expected": histogram.expected}
    return header, {name: each.astype(np.float32) for name, each in arrays.items()}


def _surface(asked: Asked[View]) -> tuple[Header, Arrays]:
    x, y, half = asked.view.at
    part = surface.patch(asked.model, asked.beta, (x, y), half, TILES)
    gauss = [0.5 * (math.erf((c + half) / math.sqrt(2)) - math.erf((c - half) / math.sqrt(2))) for c in (x, y)]
    mass, area = gauss[0] * gauss[1], 4 * half**2
    header: Header = {"mass": mass, "area": area, "landed": part.area, "before": mass / area, "det": part.area / area}
    header |= {"after": mass / part.area, "point_density": math.exp(part.log_density), "tiles": TILES}
    return header, {"images": PICTURES.levels(part.images.reshape(-1, *part.images.shape[2:]))}


def _strokes(ink: tuple[float, ...]) -> tuple[flow.Stroke, ...]:
    """Returns strokes of points, as the pen was up between them."""
    strokes: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(ink[::2], ink[1::2], strict=False):
        if x == y == UP:
            strokes.append([])
        else:
            strokes[-1].append((x, y))
    return tuple(tuple(stroke) for stroke in strokes if stroke)


SCREEN = Screen(
    name="ring",
    title="Any distribution",
    question="Can a map turn normal draws into any distribution?",
    prediction=Prediction("Where does the small square at the centre of z land?"),
    formula=(
        Term("after", r"p(y)", "the density where the square lands, its mean: mass by area after the map"),
        r"=\sum_{g(z)=y}",
        Term("before", r"P(z)", "the density of z in the square, its mean: mass by area"),
        r"\Big/",
        Term(
            "det", r"\lvert\det J(z)\rvert", "how much the map enlarges areas: the square's after by before, its mean"
        ),
    ),
    why=(
        "g(z) = z/10 + z/||z|| shrinks the plane tenfold and pushes every point one unit outwards: what lay around 0 "
        "lies around a circle. A map that is complicated enough reaches any distribution of the plane; so a VAE may "
        "take N(0, I) as its prior and leave the shape to the decoder.",
        "Mass is kept, areas are not: a piece of the plane of area dz lands on the area |det J| dz, so the density is "
        "divided by |det J|. Where several points land on one, as where the moons or a spiral's turns overlap, their "
        "densities add up. The moons need a tear at z1 = 0: a continuous map leaves a bridge between two pieces, as "
        "the blurred images between two classes of a VAE's plane.",
        "A coupling flow is one-to-one by construction, with an exact log |det J|, so that it is trained by maximum "
        "likelihood on what you draw: 8 layers, each moving one coordinate by a function of the other.",
        "A decoder maps the plane into a space of hundreds of pixels. J is tall and has no determinant; what grows is "
        "the area element, the root of det J^T J. The images of the plane are a surface without volume, so that P(X) "
        "needs the noise of P(X|z) as well.",
    ),
    sources=(
        Source("Doersch (2016), Tutorial on Variational Autoencoders, figure 2", "https://arxiv.org/abs/1606.05908"),
        Source("Dinh, Sohl-Dickstein & Bengio (2017), Real NVP", "https://arxiv.org/abs/1605.08803"),
        Source("Arvanitidis et al. (2018), Latent Space Oddity", "https://arxiv.org/abs/1710.11379"),
    ),
    needs="plane",
    view=View,
    rows=(
        Row(name="g", codec=OneOf(MAPS, usual="ring"), default=lambda _: "ring"),
        Row(name="a", codec=Number(0.2, 50), default=lambda _: 10.0),
        Row(name="at", codec=Square(), default=lambda _: (0.0, 0.0, 0.4)),
        Row(name="draws", codec=Whole(1, 20_000), default=lambda _: 2000),
        Row(name="ink", codec=Numbers(UP, 1), default=lambda _: ()),
    ),
    parts={"main": main, "draws": draws, "flow": trained},
)
