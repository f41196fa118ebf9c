"""Network classifiers that are kept: those that came with the program, and those fitted here once to a user's data.

A safetensors file each, with float16 weights, what they were fitted to and how often they are right, and a digest of
all that: what was damaged is fitted anew, and what belongs to other images is not taken.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import platformdirs
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vae_explorer import data
from vae_explorer.checked import Count, Meta, Misfit, NotNegative, loads
from vae_explorer.checkpoints.digests import digest
from vae_explorer.checkpoints.files import DIGEST, SHIPPED, SUFFIX
from vae_explorer.data import fingerprint
from vae_explorer.disk.files import reason, whole
from vae_explorer.latent.gaps.classifier import Classifier, Layer, fit_classifier, grey

FORMAT = "1"  # of a file, and of how a classifier is fitted: another one is not read
FOLDER = SHIPPED / "classifiers"
SEED = 0  # of those that are kept


class ClassifierError(Exception):
    """A classifier's file that cannot be read or written; the message names it and what to do."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What a classifier was fitted to, and how often it is right."""

    data: str  # one line: source of the images
    trained: Count  # images
    tested: Annotated[int, Meta(ge=0)]  # images of the test part, which it has not seen
    accuracy: Annotated[float, Meta(ge=0, le=1)]  # share of those whose class it names
    seed: int
    temperature: NotNegative
    classes: Annotated[tuple[int, ...], Meta(min_length=2)]  # label indices, rising
    images: dict[str, str]  # fingerprints by part, of what it was trained and calibrated on


class Kept(NamedTuple):
    """A classifier and what its file says of it."""

    classifier: Classifier
    about: About


def find(name: str) -> Classifier | None:
    """Returns the classifier that came with the program for a data set, or None: there is none, or it is damaged."""
    if name not in data.DATASETS:  # nobody's own name leads to a file
        return None
    try:
        return read(FOLDER / f"{name}{SUFFIX}").classifier
    except ClassifierError:
        return None


def load(name: str) -> Classifier:
    """Returns the classifier of a data set: one that came with the program, or was kept here, or is fitted now.

    What is fitted is kept in the user's cache folder, under the fingerprints of its images; a disk that refuses is no
    reason to stop. It takes 2 to 10 seconds.

    Raises:
        DataError: If the data cannot be had.
        ValueError: If there are fewer than two classes, or one has no validation images.
    """
    if shipped := find(name):
        return shipped
    prints = {part: fingerprint(data.load(name, part)) for part in ("train", "validation")}
    folder = platformdirs.user_cache_path("vae-explorer", appauthor=False) / "classifiers"
    path = folder / f"{'-'.join(prints.values())}{SUFFIX}"
    with suppress(ClassifierError):
        kept = read(path)
        if kept.about.images == prints:
            return kept.classifier
    made = fit(name, SEED)
    with suppress(ClassifierError):
        save(path, made)
    return made.classifier


def fit(name: str, seed: int) -> Kept:
    """Returns a classifier of a data set's training images, tested on its test part; errors as of `load`.

    Its weights are rounded to float16, as its file keeps them: of MNIST's 10,000 test images no label changes.
    """
    train, validation, test = (data.load(name, part) for part in data.PARTS)
    exact = fit_classifier(train, validation, seed)
    layers = [
        (weight.astype(np.float16).astype(np.float32), bias.astype(np.float16).astype(np.float32))
        for weight, bias in exact.layers
    ]
    classifier = replace(exact, layers=layers)
    right = classifier.labels(grey(test.pixels)) == test.labels
    about = About(
        data=train.source,
        trained=classifier.trained,
        tested=len(right),
        accuracy=float(right.mean()) if len(right) else 0.0,
        seed=seed,
        temperature=classifier.temperature,
        classes=classifier.classes,
        images={"train": fingerprint(train), "validation": fingerprint(validation)},
    )
    return Kept(classifier, about)


def save(path: Path, kept: Kept) -> None:
    """Writes a classifier whole or not at all.

    Raises:
        ClassifierError: If the folder cannot be written.
    """
    tensors = _tensors(kept.classifier)
    texts = {"format": FORMAT, "classifier": json.dumps(asdict(kept.about))}
    texts[DIGEST] = digest(texts, tensors)
    try:
        with whole(path) as file:
            save_file(tensors, file, texts)
    except (OSError, SafetensorError) as error:
        raise ClassifierError(
            f"{path} cannot be written ({reason(error)}). Choose a folder that you may write to, with space left."
        ) from error


def read(path: Path) -> Kept:
    """Reads a classifier's file.

    Raises:
        ClassifierError: If it is missing, none of a classifier, of another format, or was changed after it was written.
    """
    try:
        return _content(path)
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, Misfit) as error:
        raise ClassifierError(
            f"{path} cannot be read ({error}). Make it again: python -m vae_explorer classifier DATA --out {path}"
        ) from error


def _content(path: Path) -> Kept:
    if not path.is_file():  # asked before it is opened: a pipe by this name would be waited for
        raise FileNotFoundError("there is no such file")
    with safe_open(path, framework="pt") as file:
        texts, tensors = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dictionary)
    if texts.pop(DIGEST, None) != digest(texts, tensors) or texts.get("format") != FORMAT:
        raise ValueError("it is none of a classifier of this version, or was damaged")
    about = loads(texts["classifier"], About)
    return Kept(_classifier(tensors, about), about)


def _tensors(classifier: Classifier) -> dict[str, Tensor]:
    return {
        f"{number}.{name}": torch.from_numpy(np.ascontiguousarray(values)).half()
        for number, layer in enumerate(classifier.layers)
        for name, values in zip(("weight", "bias"), layer, strict=True)
    }


def _classifier(tensors: dict[str, Tensor], about: About) -> Classifier:
    """Returns what tensors make up, or raises ValueError where they do not fit each other."""
    pairs = [(f"{number}.weight", f"{number}.bias") for number in range(len(tensors) // 2)]
    if sorted(tensors) != sorted(name for pair in pairs for name in pair) or not pairs:
        raise ValueError("its tensors are not those of layers")
    layers: list[Layer] = [(tensors[a].float().numpy(), tensors[b].float().numpy()) for a, b in pairs]
    sizes = [layers[0][0].size // max(1, layers[0][1].size), *(bias.size for _, bias in layers)]
    fit_together = all(
        weight.shape == (outputs, inputs) and bias.shape == (outputs,)
        for (weight, bias), (inputs, outputs) in zip(layers, pairwise(sizes), strict=True)
    )
    finite = all(np.isfinite(values).all() for layer in layers for values in layer)
    if not (fit_together and finite and sizes[-1] == len(about.classes)):
        raise ValueError("its layers do not fit each other, or hold values that are not finite")
    if not about.temperature > 0 or list(about.classes) != sorted({*about.classes}) or about.classes[0] < 0:
        raise ValueError("its temperature is not above 0, or its classes do not rise")
    return Classifier(
        layers=layers,
        temperature=about.temperature,
        classes=about.classes,
        trained=about.trained,
        seed=about.seed,
    )
