"""Every cache of the app. Models are found by their file, never passed as an argument."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from vae_explorer import data
from vae_explorer.checkpoints import files
from vae_explorer.checkpoints.files import CheckpointError, Provenance
from vae_explorer.config import ModelConfig
from vae_explorer.data import DataError, Images
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent import encoding as latent
from vae_explorer.latent.encoding import Terms
from vae_explorer.latent.model import Encoding
from vae_explorer.ui.shell import caches, messages, ready
from vae_explorer.ui.shell.caches import lasting, once
from vae_explorer.ui.shell.encodings import Encodings
from vae_explorer.ui.shell.ready import FirstView
from vae_explorer.ui.state.limits import Limits

if TYPE_CHECKING:
    from vae_explorer.checkpoints.checkpoints import Checkpoint
    from vae_explorer.measured.curves import Curve

PART = "test"
_ENCODINGS = Encodings()
_ONE_CURVE = threading.Lock()  # one is measured at a time
COMPUTED = {"atlas": messages.atlases, "magnification": messages.magnifications}


class Key(NamedTuple):
    """One state of one checkpoint file, and the images it is shown with: retraining gives another key."""

    path: str
    modified: int
    part: str = PART


@lasting
@st.cache_resource(show_spinner=False)
def freeze(page: str) -> None:  # noqa: ARG001  (the cache tells the pages apart)
    """Takes what a page's first run has left out of the garbage collector's sight, once a process for each page.

    PyTorch, which comes after the first page, counts as one.

    These are the imports and the caches, which stay; a full collection that visits them stops a click for 30 ms
    and more. What is not part of a cycle is freed all the same.
    """
    gc.collect()
    gc.freeze()


def key(name: str, part: str = PART) -> Key:
    """Returns the key of a checkpoint with a part of its images, or all of them.

    Raises:
        CheckpointError: If there is none of that name, or no longer.
    """
    path = files.named(name)
    try:
        return Key(str(path), path.stat().st_mtime_ns, part)
    except OSError as error:
        raise CheckpointError(f"The file of the model {name!r} is gone. Choose another model.") from error


class Facts(NamedTuple):
    """What a checkpoint's head says: all that a page needs of it before anything is computed."""

    config: ModelConfig
    provenance: Provenance
    digest: str | None  # as in `checkpoints.Checkpoint`


@lasting
@once(64)
def facts(of: Key) -> Facts:
    """Returns what a checkpoint says of itself; its weights are read, and judged, when something is computed."""
    path = Path(of.path)
    texts = files.metadata(path)
    return Facts(*files.parse(path, texts), texts.get(files.DIGEST))


@lasting
@once(8)
def checkpoint(of: Key) -> Checkpoint:
    """Returns a checkpoint with its model, ready to be asked; shared by all sessions, never changed."""
    from vae_explorer.checkpoints import checkpoints  # here, as PyTorch: what the page shows first does without

    return checkpoints.load(Path(of.path))


@once(4)
def images(name: str, part: str) -> Images:
    """Returns the part of a data set that the app shows, or all; shared by all sessions, never changed."""
    return data.load(name, part)


class Shown(NamedTuple):
    """The images that a model is shown with."""

    images: Images  # none where its data set is not here, or is of another shape by now
    absent: str  # why there are none, in words
    changed: str  # that they are not those that it was trained with, in words
    fingerprint: str


@once(8)
def _fingerprint(name: str) -> str:
    return data.fingerprint(images(name, PART))


def shown(of: Key) -> Shown:
    """Returns what a model is shown with: its images, or words; without them, its decoder can still be seen."""
    said = facts(of)
    name = said.config.data
    try:
        found = images(name, of.part)
        data.demand_shape(found, said.config.shape)
    except DataError as error:
        return Shown(data.nothing(said.config.shape, said.provenance.data), str(error), "", "")
    return Shown(found, "", _changed(of), _fingerprint(name))


@once(8)
def _changed(of: Key) -> str:
    said = facts(of)
    name = said.config.data
    return data.changed(name, PART, images(name, PART), said.provenance.images) or ""


def encoding(of: Key, beta: float) -> Encoding:
    """Returns codes and standard deviations of all images shown; shared by all sessions, never changed."""
    return _ENCODINGS.get((of, beta), lambda: _encoded(of, beta, slice(None)))


@lru_cache(maxsize=4096)
def posterior(of: Key, image: int, beta: float) -> Encoding:
    """Returns code and standard deviation of one image, each `(D,)`: no other is encoded for it."""
    return Encoding(*(values[0] for values in _encoded(of, beta, slice(image, image + 1))))


def _encoded(of: Key, beta: float, which: slice) -> Encoding:
    loaded, pixels = checkpoint(of), shown(of).images.pixels
    if not len(pixels):
        return Encoding(*np.zeros((2, 0, loaded.config.latent), np.float32))
    found = latent.encode(loaded.arrays, pixels[which], beta)
    if not all(np.isfinite(values).all() for values in found):
        raise CheckpointError(
            f"{loaded.name} cannot be shown: at KL weight {beta:g}, codes of some images are no finite numbers. The "
            "file is damaged, or its training diverged: copy it again, or train the model again."
        )
    return found


@st.cache_resource(max_entries=4, show_spinner=False)
def world(of: Key, limits: Limits) -> bytes:
    """Returns what the map in the browser needs of a checkpoint, once."""
    if kept := first_view(of):
        return kept.world
    loaded = checkpoint(of)
    with _ENCODINGS.working:
        return messages.world(loaded, shown(of).images, limits)


@once(4)
def first_view(of: Key) -> FirstView | None:
    """Returns what a page opened a shipped checkpoint with before, in this process or in another one."""
    return ready.find(of, *_digests(of)) if _is_kept(of) else None


def keep_first_view(of: Key, made: Callable[[], FirstView]) -> None:
    """Keeps it for the next server, unless it is kept."""
    if _is_kept(of) and first_view(of) is None:
        ready.keep(made(), of, *_digests(of))
        first_view.cache_clear()  # type: ignore[attr-defined]  # of cachetools


def _is_kept(of: Key) -> bool:
    """Says whether a first view is one to keep: of a checkpoint that came with the program, with its images."""
    return Path(of.path).parent == files.SHIPPED and not shown(of).absent


def _digests(of: Key) -> tuple[str | None, str]:
    """Returns what a first view is made from, beside the file's own name and time."""
    return facts(of).digest, shown(of).fingerprint


@lasting
@st.cache_resource(max_entries=8, show_spinner=False)
def field(of: Key, limits: Limits, layer: str) -> bytes:
    """Returns a layer that is computed here and not in the browser."""
    return COMPUTED[layer](checkpoint(of), limits)


@st.cache_resource(max_entries=16, show_spinner=False)
def curve(of: Key) -> Curve | None:
    """Returns the rate-distortion curve: measured before, or else now on fewer images; None where there are none."""
    from vae_explorer.measured import curves

    loaded, here = checkpoint(of), shown(of).images
    return curves.find(loaded) or (curves.measure_curve(loaded, here, quick=True) if len(here.labels) else None)


@lru_cache(maxsize=16)
def curve_later(of: Key) -> Future[Curve | None]:
    """Returns the curve as it will be: measuring one takes half a minute, for which no click may wait."""
    made: Future[Curve | None] = Future()
    threading.Thread(target=_measure, args=(made, of), daemon=True).start()
    return made


def _measure(made: Future[Curve | None], of: Key) -> None:
    """Measures, or finds, a curve. For the first one PyTorch is imported, if it was not yet."""
    with _ONE_CURVE:
        try:
            made.set_result(curve(of))
        except (CheckpointError, data.DataError, OSError, RuntimeError, ValueError) as error:  # for whoever asks
            made.set_exception(error)
    freeze("PyTorch")


@lasting
@lru_cache(maxsize=4096)  # Streamlit's own caches take 1 ms to look up, and a click looks up thirteen
def decoded(of: Key, z: tuple[float, ...], beta: float) -> bytes:
    """Returns the decoded image of one latent point as a PNG file."""
    mean = latent.decode(checkpoint(of).arrays, np.array([z], dtype=np.float32), beta)[0]
    if not np.isfinite(mean).all():
        raise CheckpointError(f"{checkpoint(of).name}: this point decodes to no finite numbers. Choose another model.")
    return PICTURES.exported(PICTURES.levels(mean))


@once(4096)
def measured(of: Key, image: int, beta: float) -> Terms:
    """Returns distortion, its error, and rate of one image; every image has samples of its own."""
    loaded = checkpoint(of)
    found = latent.terms(loaded.arrays, images(loaded.config.data, of.part).pixels[image], beta, seed=(0, image))
    if not np.isfinite(found.distortion):
        raise CheckpointError(
            f"{loaded.name}: the distortion of image {image} is no finite number. Choose another model."
        )
    return found


def forget_images() -> None:
    """Empties what holds images, or was computed from them, after others have come in their place."""
    caches.forget_images()
