"""What a user can take away from the Explore page."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from vae_explorer import text
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import decode
from vae_explorer.latent.paths import PATHS
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import View
from vae_explorer.ui.shell import store

GIF_STEPS = 24  # images from pin to pin
GIF_PAUSE = 60  # ms that each is shown
GIF_SIDE = 280  # px, about
LARGE = 512  # px of a decoded image that fills a slide


def checkpoint_file(scene: Scene) -> bytes:
    """Returns the checkpoint as it lies on disk."""
    return Path(scene.key.path).read_bytes()


def decoded_png(scene: Scene, view: View) -> bytes:
    """Returns the view's decoded image at its own size."""
    return scene.image(scene.z(view), scene.weight(view))


def decoded_large_png(scene: Scene, view: View) -> bytes:
    """Returns the view's decoded image with each pixel as a square, so that the longer side has 512 px or more."""
    with Image.open(io.BytesIO(decoded_png(scene, view))) as image:
        times = -(-LARGE // max(image.size))
        out = io.BytesIO()
        image.resize((times * image.width, times * image.height), Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def path_gif(scene: Scene, view: View) -> bytes:
    """Returns the images along the path through the pins, there and back, as an endless GIF."""
    path = PATHS[view.path](scene.places(view), GIF_STEPS).astype(np.float32)
    images = PICTURES.levels(decode(scene.checkpoint.arrays, path, scene.weight(view)))
    times = max(1, GIF_SIDE // max(images.shape[1:3]))
    frames = [Image.fromarray(image.repeat(times, 0).repeat(times, 1)) for image in [*images, *images[-2:0:-1]]]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=GIF_PAUSE, loop=0)
    return out.getvalue()


def codes_csv(scene: Scene, view: View) -> str:
    """Returns one row an image: index, class, mean and standard deviation on every axis; part, file, own numbers."""
    mean, std = store.encoding(scene.key, scene.weight(view))
    axes = range(1, scene.config.latent + 1)
    head = ["image", "class", *(f"mean_{k}" for k in axes), *(f"std_{k}" for k in axes)]
    names, labels = scene.images.names, scene.images.labels.tolist()
    images = scene.images
    more: dict[str, Callable[[int], object]] = {"part": lambda k: scene.part_of(k)}
    if images.files:
        more["file"] = lambda k: images.files[k]
    for name, numbers in images.columns.items():
        more[name] = lambda k, numbers=numbers: "" if np.isnan(numbers[k]) else float(numbers[k])  # type: ignore[misc]
    rows = enumerate(zip(labels, np.hstack([mean, std]).tolist(), strict=True))
    return text.csv_file(
        [*head, *more],
        ([k, names[label], *map(_figure, values), *(each(k) for each in more.values())] for k, (label, values) in rows),
    )


def _figure(value: float) -> float:
    """Returns a number with as many digits as float32 holds."""
    return float(f"{value:.7g}")


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
    picture = {"format": "png", "filename": f"{text.file_name(scene.name)}-map", "scale": 3}
    config = {"scrollZoom": True, "displaylogo": False, "toImageButtonOptions": picture}
    return str(figure.to_html(include_plotlyjs=True, config=config))
