"""What the caches give, put into the form that the page and the exports show."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer import text
from vae_explorer.config import ModelConfig, reported_beta
from vae_explorer.data import PARTS
from vae_explorer.figures import theme
from vae_explorer.latent.encoding import SAMPLES
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.explore.state import STATE, View
from vae_explorer.ui.shell import nearest, store
from vae_explorer.ui.shell.messages import picture
from vae_explorer.ui.shell.ready import FirstView
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtPlace, Point, to_json
from vae_explorer.ui.state.words import link

if TYPE_CHECKING:
    from vae_explorer.checkpoints.checkpoints import Checkpoint

PRIOR_RADIUS = 3.4  # shows the circle of three sigma whole
QUANTILES = (0.002, 0.998)  # few codes lie far out: the map begins with the others
AXES_SHOWN = 6
PART_WORDS = {"train": "training", "validation": "validation", "test": "test"}
TARGETS = {"grey": "against grey levels", "density": "as a density"}  # what a distortion is measured against, in words
WIDE = 10.0  # half the side of an autoencoder's plane without images, latent units
SHORT = 8  # letters of a fingerprint in a link
WITHOUT_IMAGES = (
    "Shown is what the decoder makes of the plane, without images and codes. The model was trained on the data set "
    "“{}” ({}): ask whoever made the model for its images, and add them under this name on the Data page."
)


class Nearest(NamedTuple):
    """The image whose code is nearest to a latent point."""

    image: int
    name: str  # its class
    distance: float  # latent units


class Scene:
    """One checkpoint with the images that it is shown with; without them, its decoder alone.

    Arguments:
        name: The checkpoint's name.
        part: Which of its images: the test part, or `ALL` of them.

    Raises:
        CheckpointError: If the checkpoint cannot be read, or makes no finite numbers of its images.
    """

    def __init__(self, name: str, part: str = store.PART) -> None:
        self.name = name
        self.part = part
        self.key = store.key(name, part)
        self.facts = store.facts(self.key)
        self.shown = store.shown(self.key)
        self.images = self.shown.images
        self.limits = self._limits()

    @property
    def config(self) -> ModelConfig:
        return self.facts.config

    @property
    def checkpoint(self) -> Checkpoint:
        """The model itself."""
        return store.checkpoint(self.key)

    @property
    def target(self) -> str:
        """What distortion is measured against."""
        return "density" if self.config.likelihood.startswith(("gaussian", "continuous")) else "grey"

    @property
    def caption(self) -> str:
        """Which images are shown and how many; for a VAE of one KL weight, which."""
        weight = f" · trained for KL weight {self.config.beta:g}" if self.config.kind == "vae" else ""
        age = "" if self.facts.digest else " · an older file, which cannot be checked for damage"
        count = len(self.images.labels)
        if self.shown.absent:
            return f"No images: what the decoder makes of the plane · trained on {self.images.source}{weight}{age}"
        if self.images.parts is None:
            shown = f"{count:,} {store.PART} images"
        else:
            test = int((self.images.parts == PARTS.index(store.PART)).sum())
            shown = f"All {count:,} images, those of the test part ({test:,}) in full class colours, others paler"
        return f"{shown} · {self.images.source}{weight}{age}"

    @property
    def absence(self) -> str:
        """Why there are no images, and what to do; empty where they are here."""
        if not self.shown.absent:
            return ""
        return f"{self.shown.absent} {WITHOUT_IMAGES.format(self.config.data, self.facts.provenance.data)}"

    @property
    def outdated(self) -> bool:
        """Whether the images have come, gone or changed since: then the page begins anew."""
        return store.shown(self.key).fingerprint != self.shown.fingerprint

    @property
    def place(self) -> str:
        """What the map and its messengers are called on the page: other images are another map."""
        return self.name if self.part == store.PART else f"{self.name} ({self.part})"

    def part_of(self, image: int) -> str:
        """Says which part an image is of, in words."""
        return store.PART if self.images.parts is None else PART_WORDS[PARTS[self.images.parts[image]]]

    def weight(self, view: View) -> float:
        """Returns the KL weight that a view is computed with."""
        return self.config.beta if view.beta is None else view.beta

    def unit(self, std: Sequence[float]) -> str:
        """Says what the terms of one image are measured in, given its posterior's spread."""
        samples = f", {SAMPLES} samples of z and the standard error that they leave" if any(std) else ""
        return f"nats for this image, {TARGETS[self.target]}{samples}"

    def codes(self, view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns means and standard deviations on the map's two axes, each `(N, 2)`."""
        mean, std = store.encoding(self.key, self.weight(view))
        return _two_axes(mean), _two_axes(std)

    def answer(self, view: View, start: View, *, heard: bool = False) -> bytes:
        """Returns the view's link, and what PyTorch says of its point and of the strip.

        Arguments:
            view: What is seen.
            start: What the page began with.
            heard: Whether the browser has been told the rest already, over the live channel.
        """
        header = {
            "kind": "answer",
            "start": self._start(start),
            "link": link(STATE.link(view) | self.marked(view)),
        }
        return pack(header if heard else header | {"said": self.said(view), "pins": self.pictures(view)}, {})

    def pictures(self, view: View) -> list[str]:
        """Returns the strip's images, base64."""
        beta = self.weight(view)
        return [self._decoded(self._place(pin, beta), beta) for pin in view.pins]

    def marked(self, view: View) -> dict[str, str]:
        """Returns what a link that names images by their numbers says of the data set that has them."""
        return {"data": self.limits.data} if view.names_images and self.limits.data else {}

    def said(self, view: View) -> dict[str, object]:
        """Returns what PyTorch says of the view's point: its image and its numbers."""
        if view == STATE.start(self.limits) and (kept := store.first_view(self.key)):
            return kept.said
        beta = self.weight(view)
        z = self.z(view)
        return {
            "point": to_json(view.point),
            "beta": view.beta,
            "z": z,
            "decoded": self._decoded(z, beta),
            "alt": f"Decoded image at z = {tuple_text(z)}",
            "part": store.PART if view.image is None else self.part_of(view.image),
            "file": "" if view.image is None else self.file(view.image),
            "nearest": "" if view.image is not None else self._nearest(z, beta),
            "of": None if view.image is None else self._of(view.image, beta),
        }

    def keep(self) -> None:
        """Keeps what the page opens with for the next server, which then shows it before PyTorch is there."""
        start = STATE.start(self.limits)
        store.keep_first_view(self.key, lambda: FirstView(self.limits.home, self.said(start), self.world()))

    def file(self, image: int) -> str:
        """Returns the user's own name of an image's file, or nothing."""
        return text.shown(self.images.files[image]) if self.images.files else ""

    def z(self, view: View) -> tuple[float, ...]:
        """Returns the latent point that the view decodes."""
        return self._place(view.point, self.weight(view))

    def places(self, view: View) -> list[tuple[float, ...]]:
        """Returns the latent points of the strip."""
        return [self._place(pin, self.weight(view)) for pin in view.pins]

    def image(self, z: tuple[float, ...], beta: float) -> bytes:
        """Returns a decoded image as a PNG file."""
        return store.decoded(self.key, z, beta)

    def world(self) -> bytes:
        """Returns what the map in the browser needs; nothing that the user does changes it."""
        return store.world(self.key, self.limits)

    def fields(self, view: View) -> Iterator[tuple[str, bytes]]:
        """Yields name and message of each layer shown that the browser does not compute itself."""
        for layer in store.COMPUTED:
            if layer in view.layers:
                yield layer, store.field(self.key, self.limits, layer)

    def curve(self) -> bytes:
        """Returns the rate-distortion curve."""
        curve = store.curve(self.key)
        shown = curve and {name: _shortened(value) for name, value in curve.to_json().items()}
        return pack({"kind": "curve", "curve": shown}, {})

    def _place(self, point: Point, beta: float) -> tuple[float, ...]:
        if isinstance(point, AtPlace):
            return point.z
        mean, std = store.posterior(self.key, point.image, beta)
        drawn = mean if point.noise is None else mean + std * np.array(point.noise, np.float32)
        return tuple(map(float, drawn))

    def _decoded(self, z: tuple[float, ...], beta: float) -> str:
        return base64.b64encode(self.image(z, beta)).decode()

    def _of(self, image: int, beta: float) -> dict[str, object]:
        """Says what the encoder makes of an image, and what it costs."""
        mean, std = (values.tolist() for values in store.posterior(self.key, image, beta))
        terms = store.measured(self.key, image, beta)
        label = int(self.images.labels[image])
        return {
            "original": picture(self.images.pixels[image]),
            "label": text.shown(self.images.names[label]),
            "colour": theme.class_colours(label + 1)[label],
            "mean": mean,
            "std": std,
            "distortion": terms.distortion,
            "error": terms.error,
            "rate": None if math.isinf(terms.rate) else terms.rate,
            "terms": self.unit(std),
        }

    def nearest(self, z: tuple[float, ...], beta: float) -> Nearest:
        """Returns the code that lies nearest to a latent point."""
        image, distance = nearest.nearest(self.key, z, beta)
        return Nearest(image, text.shown(self.images.names[self.images.labels[image]]), distance)

    def _nearest(self, z: tuple[float, ...], beta: float) -> str:
        """Says how far the nearest code lies, in latent units, and whose it is; nothing where there are no codes."""
        if not self.limits.images:
            return ""
        image, label, distance = self.nearest(z, beta)
        file = self.file(image)
        named = f", {file}" if file else ""
        return f"{distance:.2f} from the nearest code: {label}, {self.part_of(image)} image {image}{named}"

    def _start(self, start: View) -> dict[str, object]:
        return asdict(start)

    def _limits(self) -> Limits:
        config = self.config
        return Limits(
            model=self.name,
            latent=config.latent,
            beta=(config.beta_min, config.beta_max) if config.kind == "multi-rate" else None,
            home=_home(self.key._replace(part=store.PART)),
            images=len(self.images.labels),
            classes=len(self.images.names),
            layers=tuple(
                name
                for name, has in _CAN_SHOW.items()
                if has(config) and (len(self.images.labels) or name in _DECODERS)
            ),
            data=self.shown.fingerprint[:SHORT],
            part=self.part,
            columns=tuple(self.images.columns),
        )


@lru_cache(maxsize=64)  # every click asks for it, and the quantiles of 60,000 codes take 2 ms
def _home(of: store.Key) -> tuple[float, float, float]:
    """Returns middle and half the side of the square that the map begins with: it holds the prior, and most codes."""
    if kept := store.first_view(of):
        return kept.home
    config = store.facts(of).config
    mean = _two_axes(store.encoding(of, reported_beta(config)).mean)
    if not len(mean):  # a prior's three circles; where an autoencoder's codes lie, nobody knows then
        return (0.0, 0.0, PRIOR_RADIUS if config.kind != "autoencoder" else WIDE)
    low, high = np.quantile(mean, QUANTILES, axis=0).astype(float)
    probabilistic = config.kind != "autoencoder"
    middle = np.zeros(2) if probabilistic else (low + high) / 2
    half = 1.06 * float(np.max(np.maximum(high - middle, middle - low)))
    half = max(half, PRIOR_RADIUS if probabilistic else 1e-3)
    return (round(float(middle[0]), 2), round(float(middle[1]), 2), round(half, 2))


_DECODERS = ("atlas", "prior", "magnification")  # layers that need no codes
_CAN_SHOW: dict[str, Callable[[ModelConfig], bool]] = {
    "atlas": lambda config: config.latent == 2,
    "density": lambda _: True,
    "prior": lambda config: config.kind != "autoencoder" and config.latent > 1,
    "classes": lambda _: True,
    "posteriors": lambda config: config.kind != "autoencoder",
    "magnification": lambda config: config.latent <= 2,
}


def tuple_text(values: Sequence[float]) -> str:
    """Returns `(x, y)` with two decimals and no minus zero."""
    shown = [f"{value + 0.0:.2f}" for value in values[:AXES_SHOWN]]
    shown = ["0.00" if each == "-0.00" else each for each in shown]
    return f"({', '.join(shown + ['…'] * (len(values) > AXES_SHOWN))})"


def _shortened(value: object) -> object:
    """Returns what a file says, its texts as a line of the screen."""
    return text.shown(value, 200) if isinstance(value, str) else value


def _two_axes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the first two axes; a single axis lies along y = 0."""
    filled = np.pad(values, ((0, 0), (0, max(0, 2 - values.shape[1]))))
    return np.ascontiguousarray(filled[:, :2], dtype=np.float32)
