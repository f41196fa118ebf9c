"""A small model's weights at steps of its training, in one file: what the screen on maximum likelihood scrubs.

The images are black and white, so that P(X) is a probability over all 2^64 of them. Weights are kept as float16; what
is shown is computed from these. The file lies in a folder of its own, where no list takes it for a model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vae_explorer import data
from vae_explorer.checked import Meta, Misfit, loads
from vae_explorer.checkpoints import probe
from vae_explorer.checkpoints.digests import digest
from vae_explorer.checkpoints.files import DIGEST, SHIPPED, SUFFIX
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import Images, fingerprint
from vae_explorer.data.modality import PICTURES
from vae_explorer.disk.files import reason, whole
from vae_explorer.latent.model import Floats
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.training.engine import fit

FORMAT = "1"
PATH = SHIPPED / "training" / f"digits-vae-2d{SUFFIX}"
COMMAND = "python -m vae_explorer states --out pretrained/training/digits-vae-2d.safetensors"
THRESHOLD = 128  # a pixel is white from this grey level on, of 255
STATES = 32  # of the training, the untrained model among them
FIRST = 8  # steps: the second state; between it and the end they are spread evenly in the logarithm

MODEL = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(64, 64), decoder=(64, 64, 64))
# Chosen on the validation images: longer training and other rates gave no better log p(x) there.
TRAINING = TrainingConfig(
    epochs=300, batch=50, learning_rate=2e-3, weight_decay=0.05, warmup=0.02, seed=0, precision="float32"
)


class StatesError(Exception):
    """A file of states that cannot be read or written; the message names it and what to do."""


@dataclass(frozen=True, kw_only=True)
class About:
    """How the states came to be."""

    command: str  # what repeats it
    data: str  # one line: source, threshold, number of images
    model: ModelConfig
    training: TrainingConfig
    steps: Annotated[tuple[int, ...], Meta(min_length=2)]  # done at each state, rising from 0: the untrained model
    threshold: Annotated[int, Meta(ge=1, le=255)]  # grey level that is white from here on
    images: dict[str, str]  # fingerprints by part, black and white, of what it was trained on and followed with
    versions: dict[str, str]  # of the libraries that matter

    def __post_init__(self) -> None:
        if self.steps[0] != 0 or list(self.steps) != sorted({*self.steps}):
            raise ValueError("steps must rise from 0")
        if self.model.latent != 2 or self.model.kind != "vae" or self.model.likelihood != "bernoulli":
            raise ValueError("model must be a Bernoulli VAE of two latent axes")


class States(NamedTuple):
    """A model at steps of its training."""

    about: About
    weights: dict[str, Tensor]  # by their names in the model, float16, (S, ...)

    @property
    def steps(self) -> tuple[int, ...]:
        return self.about.steps

    def at(self, state: int) -> Arrays:
        """Returns the model at a state, from 0.

        Raises:
            IndexError: If there is no such state.
        """
        if not 0 <= state < len(self.steps):
            raise IndexError(f"there are {len(self.steps)} states, from 0, and no state {state}")
        with torch.device("meta"):  # nothing is drawn: PyTorch's generator is one for all threads
            model = Autoencoder(self.about.model)
        model.load_state_dict({name: value[state].float() for name, value in self.weights.items()}, assign=True)
        return Arrays(model.eval().requires_grad_(False))


def black_and_white(pixels: NDArray[np.uint8], threshold: int = THRESHOLD) -> NDArray[np.uint8]:
    """Returns images of grey levels as black (0) and white (255)."""
    return np.where(pixels >= threshold, 255, 0).astype(np.uint8)


def images(part: str, threshold: int = THRESHOLD) -> Images:
    """Returns a part of the digits in black and white.

    Raises:
        DataError: As of `data.load`.
    """
    grey = data.load(MODEL.data, part)
    source = f"{grey.source}; white from grey level {threshold} of 255 on"
    return grey._replace(pixels=black_and_white(grey.pixels, threshold), source=source)


def rungs(last: int, first: int = FIRST, states: int = STATES) -> tuple[int, ...]:
    """Returns the steps of states: 0, and then evenly in the logarithm from `first` to `last`, whole numbers."""
    rising = np.rint(np.geomspace(first, last, states - 1)).astype(int)
    return (0, *dict.fromkeys(rising.tolist()))


def record(
    train: Images,
    validation: Images,
    config: ModelConfig,
    training: TrainingConfig,
    steps: tuple[int, ...],
    show: Callable[[float], None] = lambda _done: None,
) -> dict[str, Tensor]:
    """Trains a model as any other is trained, and returns its weights after those numbers of steps.

    Arguments:
        train: The images to learn from.
        validation: Images that are only looked at.
        config: The model's.
        training: The training's; it ends after its last step, which the last of `steps` must be.
        steps: Rising from 0.
        show: Called with the rising share of the epochs done.

    Returns:
        By their names in the model, `(S, ...)`, float16.
    """
    model, kept, wanted, done = build(config, training.seed), [], {*steps}, 0

    def keep() -> None:
        if done in wanted:
            kept.append({name: value.half() for name, value in model.state_dict().items()})

    def before_a_step() -> bool:
        nonlocal done
        keep()
        done += 1
        return False

    for epoch in fit(model, train, validation, training, should_stop=before_a_step):
        show(epoch.number / epoch.epochs)
    keep()
    if len(kept) != len(steps):
        raise ValueError(f"training has {done} steps, and states were asked for at {steps}")
    return {name: torch.stack([each[name] for each in kept]) for name in kept[0]}


def make(show: Callable[[float], None] = lambda _done: None) -> States:
    """Returns the states that the program ships, trained anew (half a minute); the seed is in the settings.

    Raises:
        DataError: As of `data.load`.
    """
    train, validation = images("train"), images("validation")
    last = TRAINING.epochs * (len(train.pixels) // TRAINING.batch)
    steps = rungs(last)
    about = About(
        command=COMMAND,
        data=f"{train.source}; {len(train.pixels):,} training images",
        model=MODEL,
        training=TRAINING,
        steps=steps,
        threshold=THRESHOLD,
        images={"train": fingerprint(train), "validation": fingerprint(validation)},
        versions={"torch": str(torch.__version__), "numpy": np.__version__},
    )
    return States(about, record(train, validation, MODEL, TRAINING, steps, show))


def save(path: Path, states: States) -> None:
    """Writes a file of states whole or not at all.

    Raises:
        StatesError: If the folder cannot be written.
    """
    texts = {"format": FORMAT, "states": json.dumps(asdict(states.about))}
    texts[DIGEST] = digest(texts, states.weights)
    try:
        with whole(path) as file:
            save_file(states.weights, file, texts)
    except (OSError, SafetensorError) as error:
        raise StatesError(
            f"{path} cannot be written ({reason(error)}). Choose a folder that you may write to, with space left."
        ) from error


def read(path: Path = PATH) -> States:
    """Reads a file of states.

    Raises:
        StatesError: If it is missing, none of states, of another format, or was changed after it was written; if its
            weights do not fit its configuration, or give no finite numbers.
    """
    try:
        return _content(path)
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, Misfit) as error:
        raise StatesError(f"{path} cannot be read ({error}). Make it again: {COMMAND}") from error


def _content(path: Path) -> States:
    if not path.is_file():  # asked before it is opened: a pipe by this name would be waited for
        raise FileNotFoundError("there is no such file")
    with safe_open(path, framework="pt") as file:
        # copies, since what safetensors returns may be the file itself, which somebody may cut off
        texts, weights = file.metadata() or {}, {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  (it is no dictionary)
    if texts.pop(DIGEST, None) != digest(texts, weights) or texts.get("format") != FORMAT:
        raise ValueError("it is none of a training's states of this version, or was damaged")
    about = loads(texts["states"], About)
    with torch.device("meta"):
        expected = {
            name: (len(about.steps), *value.shape) for name, value in Autoencoder(about.model).state_dict().items()
        }
    if {name: tuple(value.shape) for name, value in weights.items()} != expected:
        raise ValueError("its weights do not fit its configuration")
    if not all(value.dtype == torch.float16 and value.isfinite().all() for value in weights.values()):
        raise ValueError("its weights are not finite float16")
    states = States(about, weights)
    for state in (0, len(about.steps) - 1):
        if ailing := probe.ailing(states.at(state).network):
            raise ValueError(f"{ailing} are no finite numbers at state {state}")
    return states


def normalised(pixels: NDArray[np.uint8]) -> Floats:
    """Returns images `(N, H, W)` of levels 0 and 255 as the models take them, 0 and 1.

    Raises:
        ValueError: If there are other levels: they have no probability.
    """
    if not np.isin(pixels, (0, 255)).all():
        raise ValueError("images must be black (0) and white (255): grey ones have no probability here")
    return PICTURES.normalised(pixels)
