"""What a screen of the page Theory is made of: words, a formula whose terms are alive, state, and parts that answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.config import ModelConfig
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Floats, Model
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.state.codecs import Fixed, Seed, Weight, first_weight
from vae_explorer.ui.state.limits import Limits, is_index
from vae_explorer.ui.state.table import Row, Table
from vae_explorer.ui.state.words import Refused
from vae_explorer.ui.theory.codecs import Image

Need = Literal["model", "vae", "plane", "digits", "gaussian"]
BREAK = r"\\"  # between terms of a formula: what follows begins a line
MAIN = "main"  # the part that each screen has, and opens with

NEEDS: Mapping[Need, tuple[Callable[[ModelConfig], bool], str]] = {
    "model": (lambda _: True, "a model"),
    "vae": (lambda config: config.kind != "autoencoder", "a VAE"),
    "plane": (lambda config: config.kind != "autoencoder" and config.latent == 2, "a VAE of two latent axes"),
    "digits": (lambda config: config.kind != "autoencoder" and config.data == "digits", "a VAE of the digits"),
    "gaussian": (
        lambda config: config.kind == "multi-rate" and config.latent == 2 and config.likelihood == "gaussian",
        "a VAE of two latent axes, any KL weight, and a Gaussian likelihood of fixed width",
    ),
}


class Term(NamedTuple):
    """One term of the formula; its name ties it to its marks in the picture and to its number."""

    name: str  # as `data-term` in the picture
    tex: str  # KaTeX
    words: str  # what it is, in words: read out, and shown on pointing
    live: bool = True  # whether a number stands below it


class Prediction(NamedTuple):
    """What is asked before anything is shown; without choices, a click on the picture answers it."""

    question: str
    choices: tuple[str, ...] = ()


class Source(NamedTuple):
    words: str
    address: str


@dataclass(frozen=True, kw_only=True)
class View:
    """What every screen's state holds; a screen adds fields of its own."""

    screen: str
    model: str
    image: int
    beta: float | None
    seed: int = 0


V = TypeVar("V", bound=View)
Header = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Asked(Generic[V]):
    """What a part is asked: a view of a model, and what the page asks beside its state (unchecked)."""

    scene: Scene
    view: V
    more: Mapping[str, Any]

    @property
    def checkpoint(self) -> Checkpoint:
        return self.scene.checkpoint

    @property
    def model(self) -> Model:
        """The model on arrays."""
        return self.checkpoint.arrays

    @property
    def beta(self) -> float:
        """The KL weight that the model is asked at."""
        return self.scene.config.beta if self.view.beta is None else self.view.beta

    @property
    def image(self) -> Floats:
        """The chosen image, `(H, W)` or `(H, W, 3)`, in [0, 1]."""
        image: Floats = PICTURES.normalised(self.pixels[self.view.image : self.view.image + 1])[0]
        return image

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """All images of the test part, as they are stored."""
        return self.scene.images.pixels

    def whole(self, name: str, count: int) -> int:
        """Returns a whole number from 0 to `count` - 1 that was asked beside the state, or raises `Refused`."""
        value = self.more.get(name, 0)
        if not is_index(value, count):
            raise Refused(f"{name} is no number from 0 to {count - 1}.")
        return value


Part = Callable[[Any], tuple[Header, Arrays]]


@dataclass(frozen=True, kw_only=True)
class Screen:
    r"""One screen.

    Arguments:
        name: In links: `/theory?screen=NAME`.
        title: One to three words, for the course's list.
        question: One sentence.
        prediction: What is asked first, if anything.
        formula: Terms, the TeX between them, and `BREAK` where a line begins.
        why: What unfolds: paragraphs of plain text.
        sources: Where it is from.
        needs: Which models it can show.
        default: The model that it opens with, unless another one that fits was chosen.
        view: Its state's fields.
        rows: How those beyond `View`'s are read and written.
        parts: What is asked of it by name, each `(asked) -> (header, arrays)`; `main` is what it opens with. A header
            holds JSON types (numbers that are not finite arrive as null), arrays are float32, float16 or uint8.
            Numbers that are shown come as they are; the browser rounds them.
    """

    name: str
    title: str
    question: str
    formula: tuple[Term | str, ...]
    why: tuple[str, ...]
    sources: tuple[Source, ...]
    parts: Mapping[str, Part]
    prediction: Prediction | None = None
    needs: Need = "plane"
    default: str = "mnist-vae-2d"
    view: Callable[..., View] = View
    rows: tuple[Row[Limits], ...] = ()

    @property
    def table(self) -> Table[Any, Limits]:
        """The state: what is common to all screens, and its own."""
        return Table(self.view, (*_common(self.name), *self.rows), lambda view, _: view)

    def fits(self, config: ModelConfig) -> bool:
        return NEEDS[self.needs][0](config)

    @property
    def needed(self) -> str:
        """What models it can show, in words."""
        return NEEDS[self.needs][1]


def _common(name: str) -> tuple[Row[Limits], ...]:
    """Returns the rows that all screens have; the page knows screen and model before it reads the rest."""
    return (
        Row(name="screen", codec=Fixed(), default=lambda _: name),
        Row(name="model", codec=Fixed(), default=lambda limits: limits.model),
        Row(name="image", codec=Image(), default=lambda _: 0),
        Row(name="beta", codec=Weight(lambda limits: f"{limits.model} has"), default=first_weight),
        Row(name="seed", codec=Seed(), default=lambda _: 0),
    )
