"""How runs went: distortion and rate over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go  # type: ignore[import-untyped]
from plotly.subplots import make_subplots  # type: ignore[import-untyped]

from vae_explorer import text
from vae_explorer.figures import theme


class History(NamedTuple):
    """One run, one value an epoch, in nats per image; None where the rate is infinite."""

    epochs: Sequence[int]
    distortion: Sequence[float]
    rate: Sequence[float | None]
    validation_distortion: Sequence[float]
    validation_rate: Sequence[float | None]


def training_curves(runs: Mapping[str, History]) -> go.Figure:
    """Returns both terms over the epochs: training images dotted, validation images solid.

    Arguments:
        runs: By name, each in a colour of its own; the legend of several tells these alone. Where none
            has a finite rate, there is no chart of it.
    """
    many = len(runs) > 1
    rated = any(value is not None for run in runs.values() for value in run.rate)
    titles = ("Distortion, nats per image", "Rate, nats per image")[: 1 + rated]
    figure = make_subplots(len(titles), 1, subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.12)
    for (run_name, run), colour in zip(runs.items(), theme.class_colours(len(runs)), strict=True):
        name = text.html(run_name)  # Plotly reads HTML, links too
        for row, (train, validation) in enumerate(
            ((run.distortion, run.validation_distortion), (run.rate, run.validation_rate))[: len(titles)], 1
        ):
            for values, part, dash in ((train, "training", "dot"), (validation, "validation", "solid")):
                figure.add_scatter(
                    x=list(run.epochs),
                    y=list(values),
                    mode="lines+markers" if len(run.epochs) < 3 else "lines",
                    name=name if many else part,
                    legendgroup=f"{name}, {part}",
                    showlegend=row == 1 and (part == "validation" or not many),
                    line={"color": colour, "dash": dash, "width": 2},
                    hovertemplate=f"{name}, {part}, epoch %{{x}}: %{{y:.2f}} nats<extra></extra>",
                    row=row,
                    col=1,
                )
    figure.update_xaxes(rangemode="tozero")
    figure.update_xaxes(title_text="epoch; dotted: training" if many else "epoch", row=len(titles))
    figure.update_annotations(x=0, xanchor="left", font_size=13)  # the titles
    figure.update_layout(
        height=60 + 140 * len(titles),
        margin={"l": 40, "r": 10, "t": 20, "b": 40},
        font={"family": theme.FONT},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
    )
    return figure
