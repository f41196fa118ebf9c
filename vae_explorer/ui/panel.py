"""The decoded image and its numbers as HTML. Nothing here knows Streamlit."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

AXES_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Point:
    """A clicked image: what went in, what the encoder believes, what it costs."""

    original: bytes  # PNG
    image: int
    part: str
    label: str
    colour: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    distortion: float
    rate: float
    terms: str  # unit, target and samples of both terms


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A latent point and its decoded image; a clicked image if the point is its code."""

    z: tuple[float, ...]
    decoded: bytes  # PNG
    nearest: str = ""  # what lies near a point of the plane
    point: Point | None = None


def panel(shown: Shown) -> str:
    """Returns the whole panel."""
    alt = f"Decoded image at z = {tuple_text(shown.z)}"
    z = f"z = {_minus(tuple_text(shown.z))}"
    point = shown.point
    if point is None:
        heading = f'<h2>{z}</h2><p class="aside">{escape(shown.nearest)}</p>'
        return _page(heading, _figure(shown.decoded, alt), "")
    swatch = f'<i style="background:{point.colour}"></i>'
    aside = f'<p class="aside">{escape(point.part)} image {point.image}</p>'
    heading = f"<h2>{swatch}{escape(point.label)}</h2>{aside}"
    pictures = _figure(point.original, f"Original image {point.image}, class {point.label}", "Original") + _figure(
        shown.decoded, f"{alt}, reconstruction of image {point.image}", "Reconstruction"
    )
    return _page(heading, pictures, f'<p class="z">{z}</p>{_terms(point)}{_posterior(point)}')


def tuple_text(values: Sequence[float]) -> str:
    """Returns `(x, y)` with two decimals and no minus zero."""
    shown = [f"{value + 0.0:.2f}" for value in values[:AXES_SHOWN]]
    shown = ["0.00" if text == "-0.00" else text for text in shown]
    return f"({', '.join(shown + ['…'] * (len(values) > AXES_SHOWN))})"


def _minus(number: str) -> str:
    """A true minus for the eye; alternative texts keep the hyphen, which every program reads."""
    return number.replace("-", "\u2212")


def _page(heading: str, pictures: str, numbers: str) -> str:
    pair = "pair" if numbers else "single"
    return f'<section class="decoded {pair}"><header>{heading}</header><div>{pictures}</div>{numbers}</section>'


def _figure(png: bytes, alt: str, caption: str = "") -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img src="{source}" alt="{escape(alt)}">{below}</figure>'


def _terms(point: Point) -> str:
    """Distortion + rate = negative ELBO; a deterministic encoder has no finite rate."""
    if math.isinf(point.rate):
        terms = [("Distortion", point.distortion, "")]
    else:
        total = point.distortion + point.rate
        terms = [("Distortion", point.distortion, "+"), ("Rate", point.rate, "="), ("Negative ELBO", total, "")]
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{value:.1f}<i>{sign and ' ' + sign}</i></dd></div>" for name, value, sign in terms
    )
    return f'<dl class="terms">{cells}</dl><p class="aside">{escape(point.terms)}</p>'


def _posterior(point: Point) -> str:
    """One column an axis: mean and std; nothing for a deterministic encoder, whose code is z itself."""
    if not any(point.std):
        return ""
    axes = range(min(len(point.mean), AXES_SHOWN))
    head = "".join(f'<th scope="col">axis {k + 1}</th>' for k in axes)
    body = "".join(
        f'<tr><th scope="row">{row}</th>{"".join(_cell(values[k]) for k in axes)}</tr>'
        for row, values in (("mean", point.mean), ("std", point.std))
    )
    return f'<table><thead><tr><th scope="col">Posterior</th>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(value: float) -> str:
    return f"<td>{_minus(f'{value:.3f}')}</td>"
