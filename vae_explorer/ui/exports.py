"""What a user can take away from the Explore page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from vae_explorer.ui import store
from vae_explorer.ui.scene import Scene
from vae_explorer.ui.view import View


def checkpoint_file(scene: Scene) -> bytes:
    """Returns the checkpoint as it lies on disk."""
    return Path(scene.key.path).read_bytes()


def codes_csv(scene: Scene, view: View) -> str:
    """Returns one row an image: index, class, mean and standard deviation on every axis."""
    mean, std = store.encoding(scene.key, scene.weight(view))
    axes = range(1, scene.config.latent + 1)
    head = ",".join(["image", "class", *(f"mean_{k}" for k in axes), *(f"std_{k}" for k in axes)])
    names = scene.images.names
    out = io.StringIO()
    out.write(f"{head}\n")
    for k, (label, row) in enumerate(zip(scene.images.labels, np.hstack([mean, std]), strict=True)):
        out.write(f'{k},"{names[label]}",{",".join(f"{value:.7g}" for value in row)}\n')
    return out.getvalue()


def map_html(scene: Scene, view: View) -> str:
    """Returns the map as an interactive page of its own, which saves itself as PNG; it needs no network."""
    # Here and not above: Plotly takes long to import, and most visits never export.
    from vae_explorer.figures.latent_map import latent_map

    mean, std = scene.codes(view)
    x, y, half = view.window or scene.limits.home
    weight = "" if view.beta is None else f" · beta {view.beta:g}"
    figure = latent_map(
        mean,
        scene.images.labels,
        scene.images.names,
        title=f"{scene.name}{weight} · {scene.caption}",
        extent=(x - half, x + half, y - half, y + half),
        hidden=view.hidden,
        ellipse=None if view.image is None else (mean[view.image], std[view.image]),
        prior="prior" in view.layers,
    )
    picture = {"format": "png", "filename": f"{scene.name}-map", "scale": 3}
    config = {"scrollZoom": True, "displaylogo": False, "toImageButtonOptions": picture}
    return str(figure.to_html(include_plotlyjs=True, config=config))
