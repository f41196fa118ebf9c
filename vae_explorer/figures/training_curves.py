"""How runs went: distortion and rate over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go  # type: ignore[import-untyped]
from plotly.subplots import make_subplots  # type: ignore[import-untyped]

from vae_explorer.figures import theme


class Curve(NamedTuple):
    """One run, one value an epoch, in nats per image; None where the rate is infinite."""

    epochs: Sequence[int]
    distortion: Sequence[float]
    rate: Sequence[float | None]
    validation_distortion: Sequence[float]
    validation_rate: Sequence[float | None]


def training_curves(runs: Mapping[str, Curve]) -> go.Figure:
    """Returns both terms over the epochs: training images dotted, validation images solid.

    Arguments:
        runs: By name, each in a colour of its own. Where none has a finite rate, there is no chart of it.
    """
    rated = any(value is not None for run in runs.values() for value in run.rate)
    titles = ("Distortion, nats per image", "Rate, nats per image")[: 1 + rated]
    figure = make_subplots(1, len(titles), subplot_titles=titles)
    for (name, run), colour in zip(runs.items(), theme.class_colours(len(runs)), strict=True):
        for column, (train, validation) in enumerate(
            ((run.distortion, run.validation_distortion), (run.rate, run.validation_rate))[: len(titles)], 1
        ):
            for values, part, dash in ((train, "training", "dot"), (validation, "validation", "solid")):
                figure.add_scatter(
                    x=list(run.epochs),
                    y=list(values),
                    mode="lines+markers" if len(run.epochs) < 3 else "lines",
                    name=f"{name}, {part}",
                    legendgroup=f"{name}, {part}",
                    showlegend=column == 1,
                    line={"color": colour, "dash": dash, "width": 2},
                    hovertemplate="epoch %{x}: %{y:.2f} nats",
                    row=1,
                    col=column,
                )
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    figure.update_layout(
        height=260,
        margin={"l": 40, "r": 10, "t": 30, "b": 40},
        font={"family": theme.FONT},
        legend={"orientation": "h", "y": -0.3},
    )
    return figure
