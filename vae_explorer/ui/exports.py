"""What a user can take away from the Explore page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from vae_explorer.latent.encoding import decode, grey_levels
from vae_explorer.latent.paths import PATHS
from vae_explorer.ui import store
from vae_explorer.ui.scene import Scene
from vae_explorer.ui.view import View

GIF_STEPS = 24  # images from pin to pin
GIF_PAUSE = 60  # ms that each is shown
GIF_SIDE = 280  # px, about


def checkpoint_file(scene: Scene) -> bytes:
    """Returns the checkpoint as it lies on disk."""
    return Path(scene.key.path).read_bytes()


def decoded_png(scene: Scene, view: View) -> bytes:
    """Returns the view's decoded image at its own size."""
    return scene.image(scene.z(view), scene.weight(view))


def path_gif(scene: Scene, view: View) -> bytes:
    """Returns the images along the path through the pins, there and back, as an endless GIF."""
    path = PATHS[view.path](scene.places(view), GIF_STEPS).astype(np.float32)
    images = grey_levels(decode(scene.checkpoint.model, path, scene.weight(view)))
    times = max(1, GIF_SIDE // max(images.shape[1:3]))
    frames = [Image.fromarray(image.repeat(times, 0).repeat(times, 1)) for image in [*images, *images[-2:0:-1]]]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=GIF_PAUSE, loop=0)
    return out.getvalue()


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
