"""What the Train page shows of a job, as the browser and the figure read it. Nothing here knows Streamlit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vae_explorer.config import reported_beta
from vae_explorer.data import DataError, load
from vae_explorer.figures import theme
from vae_explorer.figures.training_curves import History
from vae_explorer.jobs.films import FilmError, Frame
from vae_explorer.jobs.job import Job
from vae_explorer.jobs.records import Record, Status
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.shell.messages import class_names

MOST_FRAMES = 60  # that a film begins with, spread over the run


def film(job: Job, records: Sequence[Record]) -> bytes:
    """Returns what the film begins with: classes, originals, and the snapshots so far (some of many).

    Snapshots that cannot be read are left out.

    Raises:
        FilmError: If the classes and originals cannot be read.
        JobError: If the order cannot.
    """
    order = job.order
    config = order.model
    epochs = [each.number for each in records]
    if len(epochs) > MOST_FRAMES:
        epochs = [epochs[k] for k in np.linspace(0, len(epochs) - 1, MOST_FRAMES).round().astype(int)]
    labels, originals = job.labels(), job.originals()
    shown = {epoch: frame for epoch in epochs if (frame := _frame(job, epoch, labels, originals)) is not None}
    epochs, frames = list(shown), list(shown.values())
    names = _names(config.data, int(labels.max()) + 1)
    weight = "" if config.kind == "autoencoder" else f", KL weight {reported_beta(config):g}"
    header = {
        "kind": "film",
        "names": names,
        "colours": theme.class_colours(len(names)),
        "marks": theme.class_marks(len(names)),
        "axes": ("axis 1", "axis 2" if config.latent > 1 else ""),
        "prior": config.kind != "autoencoder" and config.latent > 1,
        "shape": config.shape,
        "epochs": epochs,
        "planned": order.training.epochs,
        "words": f"{len(labels):,} validation images{weight}. Above: originals; below: their reconstructions.",
    }
    none = np.zeros((0, len(labels), 2), np.float16)
    return pack(
        header,
        {
            "labels": labels,
            "originals": originals.ravel(),
            "codes": np.stack([_plane(frame.codes) for frame in frames]) if frames else none,
            "images": np.stack([frame.images for frame in frames]) if frames else originals[:0],
        },
    )


def _names(data: str, classes: int) -> list[str]:
    """Returns the classes' names; a film outlives the user's own data that it shows, and others of that name."""
    try:
        names = class_names(load(data, "validation"))
    except DataError:
        names = []
    return names if len(names) >= classes else [f"class {k}" for k in range(classes)]


def _frame(job: Job, epoch: int, labels: NDArray[np.uint8], originals: NDArray[np.uint8]) -> Frame | None:
    """Returns a snapshot, unless it is damaged or of other images."""
    try:
        frame = job.frame(epoch)
    except FilmError:
        return None
    return frame if len(frame.codes) == len(labels) and frame.images.shape == originals.shape else None


def newest(job: Job, epoch: int) -> bytes | None:
    """Returns the snapshot of one epoch, if it can be read."""
    try:
        frame = _frame(job, epoch, job.labels(), job.originals())
    except FilmError:
        return None
    return frame and pack({"kind": "frame", "epoch": epoch}, {"codes": _plane(frame.codes), "images": frame.images})


def history(records: Sequence[Record]) -> History:
    """Returns a job's records as the figure takes them."""
    return History(
        epochs=[each.number for each in records],
        distortion=[each.distortion for each in records],
        rate=[each.rate for each in records],
        validation_distortion=[each.validation_distortion for each in records],
        validation_rate=[each.validation_rate for each in records],
    )


def progress(status: Status, epochs: int) -> str:
    """Returns one line: what the job does, how fast, and how long it will take."""
    done = status.records[-1] if status.records else None
    words = {"interrupted": "interrupted: its process ended", "waiting": "waiting for its turn"}
    line = words.get(status.state, status.state)
    if done is None:
        return line
    line += f" · epoch {done.number} of {epochs} · {done.images_per_second:,.0f} images/s"
    if status.state == "training":
        line += f" · {duration(done.seconds_left)} left"
    return f"{line} · objective {done.validation_objective:.2f} nats per validation image"


def duration(seconds: float) -> str:
    """Returns a time as one speaks of it."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _plane(codes: NDArray[np.float16]) -> NDArray[np.float16]:
    """Returns the first two axes; a single one lies along y = 0."""
    filled = np.pad(codes, ((0, 0), (0, max(0, 2 - codes.shape[1]))))
    return np.ascontiguousarray(filled[:, :2])
