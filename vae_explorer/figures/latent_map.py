"""The latent map as a Plotly figure, for export and notebooks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]
from numpy.typing import NDArray

from vae_explorer import text
from vae_explorer.figures import theme

FloatArray = NDArray[np.floating]


def latent_map(
    mean: FloatArray,
    labels: NDArray[np.integer],
    names: Sequence[str],
    *,
    title: str,
    extent: tuple[float, float, float, float],
    hidden: Sequence[int] = (),
    ellipse: tuple[FloatArray, FloatArray] | None = None,
    prior: bool = False,
) -> go.Figure:
    """Returns the codes of many images over two axes, coloured by class.

    Arguments:
        mean: The codes, with shape `(N, 2)`.
        labels: The classes, with shape `(N,)`.
        names: The classes' names.
        title: What is shown: unit, split, count and target.
        extent: The visible `(x0, x1, y0, y1)`.
        hidden: Classes that begin switched off.
        ellipse: Mean and standard deviation of one posterior, each `(2,)`: drawn at one sigma.
        prior: Whether to draw the standard normal's circles of one, two and three sigma.
    """
    figure = go.Figure()
    colours = theme.class_colours(len(names))
    for k, name in enumerate(names):
        (rows,) = np.nonzero(labels == k)
        figure.add_scattergl(
            x=mean[rows, 0],
            y=mean[rows, 1],
            customdata=rows,
            mode="markers",
            marker={"size": 4, "color": colours[k]},
            name=text.html(name),  # Plotly reads HTML, links too, in names and titles
            visible="legendonly" if k in hidden else True,
            hovertemplate="image %{customdata}<br>(%{x:.2f}, %{y:.2f})",
        )
    for sigma in (1, 2, 3) if prior else ():
        _outline(figure, np.zeros(2), np.full(2, float(sigma)), f"prior, {sigma} sigma", "dot")
    if ellipse is not None:
        _outline(figure, *ellipse, "posterior, 1 sigma", "solid")
    figure.update_layout(
        title={"text": text.html(title, 200), "font": {"size": 14}},
        font={"family": theme.FONT, "color": theme.INK},
        paper_bgcolor=theme.PAPER,
        plot_bgcolor=theme.PAPER,
        legend={"itemsizing": "constant"},
        dragmode="pan",
        margin={"l": 50, "r": 20, "t": 50, "b": 65},
    )
    figure.update_xaxes(title="axis 1", range=extent[:2], gridcolor=theme.GRID, zeroline=False)
    figure.update_yaxes(title="axis 2", range=extent[2:], gridcolor=theme.GRID, zeroline=False, scaleanchor="x")
    return figure


def _outline(figure: go.Figure, mean: FloatArray, std: FloatArray, name: str, dash: str) -> None:
    angle = np.linspace(0, 2 * np.pi, 181)
    figure.add_scatter(
        x=mean[0] + std[0] * np.cos(angle),
        y=mean[1] + std[1] * np.sin(angle),
        mode="lines",
        line={"color": theme.INK, "width": 1.5, "dash": dash},
        name=name,
        showlegend=False,
        hoverinfo="name",
    )
