"""What the caches give, put into the form that the map, the panel and the exports show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_explorer.config import ModelConfig
from vae_explorer.figures import theme
from vae_explorer.ui import store
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.panel import Point, Shown
from vae_explorer.ui.view import Limits, View

PRIOR_RADIUS = 3.4  # shows the circle of three sigma whole
QUANTILES = (0.002, 0.998)  # few codes lie far out: the map begins with the others


class Scene:
    """One checkpoint with the images that it is shown with.

    Arguments:
        name: The checkpoint's name.

    Raises:
        CheckpointError: If the checkpoint cannot be read.
        DataError: If its images cannot be had.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = store.key(name)
        self.checkpoint = store.checkpoint(self.key)
        self.images = store.images(self.config.data)
        self.limits = self._limits()

    @property
    def config(self) -> ModelConfig:
        return self.checkpoint.config

    @property
    def target(self) -> str:
        """What distortion is measured against."""
        return "density" if self.config.likelihood.startswith(("gaussian", "continuous")) else "grey"

    @property
    def caption(self) -> str:
        """Which images are shown and how many; for a VAE of one KL weight, which."""
        weight = f" · trained for KL weight {self.config.beta:g}" if self.config.kind == "vae" else ""
        return f"{len(self.images.labels):,} {store.PART} images · {self.images.source}{weight}"

    def weight(self, view: View) -> float:
        """Returns the KL weight that a view is computed with."""
        return self.config.beta if view.beta is None else view.beta

    def codes(self, view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns means and standard deviations on the map's two axes, each `(N, 2)`."""
        mean, std = store.encoding(self.key, self.weight(view))
        return _two_axes(mean), _two_axes(std)

    def shown(self, view: View) -> Shown:
        """Returns the decoded image of the view's point."""
        beta = self.weight(view)
        if view.z is not None:
            decoded = store.png(store.decoded(self.key, view.z, beta))
            return Shown(z=view.z, decoded=decoded, nearest=self._nearest(view.z, beta))
        assert view.image is not None  # a view has one of both
        encoding = store.encoding(self.key, beta)
        mean, std = (tuple(map(float, values[view.image])) for values in encoding)
        terms = store.measured(self.key, view.image, beta)
        label = int(self.images.labels[view.image])
        samples = f", {store.DISTORTION_SAMPLES} samples of z" if any(std) else ""
        point = Point(
            original=store.png(self.images.pixels[view.image]),
            image=view.image,
            part=store.PART,
            label=self.images.names[label],
            colour=theme.class_colours(label + 1)[label],
            mean=mean,
            std=std,
            distortion=terms.distortion,
            rate=terms.rate,
            terms=f"nats for this image, {self.target} target" + samples,
        )
        return Shown(z=mean, decoded=store.png(store.decoded(self.key, mean, beta)), point=point)

    def message(self, view: View, start: View) -> bytes:
        """Returns what the map in the browser draws; a click changes none of it."""
        mean, std = self.codes(view)
        arrays: dict[str, NDArray[Any]] = {"mean": mean, "std": std, "labels": self.images.labels.astype(np.uint8)}
        x, y, half = self.limits.home
        extent = (x - half, x + half, y - half, y + half)
        if "atlas" in view.layers:
            arrays["atlas"] = np.frombuffer(store.atlas(self.key, self.weight(view), extent), np.uint8)
        header = {
            "model": self.name,
            "names": self.images.names,
            "colours": theme.class_colours(len(self.images.names)),
            "axes": ("axis 1", "axis 2" if self.config.latent > 1 else ""),
            "home": self.limits.home,
            "beta_range": self.limits.beta,
            "switches": self.limits.layers,
            "atlas_extent": extent,
            "start": self._start(start),
        }
        return pack(header, arrays)

    def _nearest(self, z: tuple[float, ...], beta: float) -> str:
        """Says how far the nearest code lies, in latent units, and whose it is."""
        distance = np.linalg.norm(store.encoding(self.key, beta).mean - np.array(z, np.float32), axis=1)
        image = int(distance.argmin())
        label = self.images.names[self.images.labels[image]]
        return f"{distance[image]:.2f} from the nearest code: {label}, {store.PART} image {image}"

    def _start(self, start: View) -> dict[str, object]:
        x, y = (*(start.z or ()), 0.0, 0.0)[:2]
        pin = {"x": x, "y": y, "index": start.image if start.z is None else None}
        kept = ("hidden", "layers", "window", "beta")
        return {"pin": pin, **{name: value for name, value in asdict(start).items() if name in kept}}

    def _limits(self) -> Limits:
        config = self.config
        probabilistic = config.kind != "autoencoder"
        beta = min(max(1.0, config.beta_min), config.beta_max) if config.kind == "multi-rate" else config.beta
        mean = _two_axes(store.encoding(self.key, beta).mean)
        low, high = np.quantile(mean, QUANTILES, axis=0).astype(float)
        middle = np.zeros(2) if probabilistic else (low + high) / 2
        half = 1.06 * float(np.max(np.maximum(high - middle, middle - low)))
        half = max(PRIOR_RADIUS, half) if probabilistic else max(half, 1e-3)
        return Limits(
            model=self.name,
            latent=config.latent,
            beta=(config.beta_min, config.beta_max) if config.kind == "multi-rate" else None,
            home=(round(float(middle[0]), 2), round(float(middle[1]), 2), round(half, 2)),
            images=len(self.images.labels),
            classes=len(self.images.names),
            layers=tuple(name for name, has in _LAYERS.items() if has(config)),
        )


_LAYERS: dict[str, Callable[[ModelConfig], bool]] = {
    "atlas": lambda config: config.latent == 2,
    "prior": lambda config: config.kind != "autoencoder" and config.latent > 1,
}


def _two_axes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the first two axes; a single axis lies along y = 0."""
    filled = np.pad(values, ((0, 0), (0, max(0, 2 - values.shape[1]))))
    return np.ascontiguousarray(filled[:, :2], dtype=np.float32)
