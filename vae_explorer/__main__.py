"""The command line: python -m vae_explorer train | evaluate | curve | gaps | list | download | shard | add."""

from __future__ import annotations

import argparse
import json
import math
import shlex
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from vae_explorer.arguments import MODEL_OPTIONS, TRAINING_OPTIONS, parse
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint, CheckpointError
from vae_explorer.checkpoints.sidecars import SidecarError
from vae_explorer.config import ConfigError, ModelConfig, TrainingConfig, reported_beta
from vae_explorer.data import (
    DataError,
    Images,
    add,
    changed,
    cut,
    demand_free,
    demand_shape,
    download,
    load,
    own,
    spread,
)
from vae_explorer.disk.asides import discard
from vae_explorer.jobs import jobs, runs, worker
from vae_explorer.jobs.errors import JobError, JobGone
from vae_explorer.jobs.job import Job
from vae_explorer.jobs.records import Order, Status
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.gaps import Judges, can_judge, fit_judges
from vae_explorer.measured import curves, gap_tables
from vae_explorer.measured.evaluation import figures
from vae_explorer.text import shown
from vae_explorer.training.processes import Processes, ProcessesError, joined

FARTHEST = 65_504.0  # latent units: what the browser can still read
LOOKED_AT = 500  # images, whose codes must be finite before minutes are spent on all
MESSAGE = 2_000  # characters of an error's line


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status: 0, or 2 with one line that says what to do."""
    options = parse(arguments)
    options.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        COMMANDS[options.command](options)
    except (CheckpointError, ConfigError, SidecarError, DataError, JobError, ProcessesError) as error:
        print(f"error: {shown(str(error), MESSAGE)}", file=sys.stderr)
        return 2
    return 0


def _train(options: argparse.Namespace) -> None:
    with joined() as processes, _Interrupt() as interrupted:
        if processes.rank == 0:
            _lead(options, processes, interrupted)
        else:
            runs.follow(processes, interrupted)


def _lead(options: argparse.Namespace, processes: Processes, interrupted: Callable[[], bool]) -> None:
    """Works on a job as the app has them: seen there while it trains, and resumed from here or there."""
    job = _job(options)
    order = job.order
    with tqdm(unit="epoch", total=order.training.epochs) as bar:
        status = worker.work(job, watch=_watch(bar), interrupted=interrupted, processes=processes)
    empty = not status.records and not options.resume and status.cause != JobGone.__name__
    if empty:  # the same command begins anew
        discard(job.delete())
    if status.state == "failed":
        raise JobError(status.message)
    if status.state == "done":
        print(job.model_of(order))
    elif empty:
        print("Stopped before the first epoch was whole: nothing is kept.", file=sys.stderr)
    else:
        print(
            f"Stopped. Go on with: python -m vae_explorer train --name {shlex.quote(job.name)} --resume",
            file=sys.stderr,
        )


def _job(options: argparse.Namespace) -> Job:
    if options.resume:
        job = jobs.find(options.name)
        if job.status.state == "done":
            raise JobError(f"The training of {job.name} is over, there is nothing to resume.")
        return job
    model, training = _configs(options)
    command = "python -m vae_explorer " + shlex.join(options.arguments)
    out = None if options.out is None else str(options.out.absolute())
    return jobs.create(options.name, Order(model=model, training=training, command=command, out=out))


def _configs(options: argparse.Namespace) -> tuple[ModelConfig, TrainingConfig]:
    shape = load(options.data, "validation").pixels.shape[1:]
    values = vars(options)
    model = {name: values[name] for name in MODEL_OPTIONS if values[name] is not None}
    training = {name: values[name] for name in TRAINING_OPTIONS if values[name] is not None}
    return ModelConfig(shape=shape, **model), TrainingConfig(**training)


def _watch(bar: Any) -> Callable[[Status], None]:
    def watch(status: Status) -> None:
        bar.set_description_str(_DOING.get(status.state))
        if status.records:
            last = status.records[-1]
            bar.n = last.number
            rate = "infinite" if last.validation_rate is None else f"{last.validation_rate:.2f}"
            bar.set_postfix_str(
                f"validation: distortion {last.validation_distortion:.2f}, rate {rate} nats; "
                f"{last.images_per_second:,.0f} images/s"
            )

    return watch


_DOING = {"waiting": "waiting for its turn (VAE_EXPLORER_JOBS says how many train at once)", "paused": "paused"}


def _evaluate(options: argparse.Namespace) -> None:
    checkpoint = checkpoints.load(checkpoints.find(options.model))
    images, said = _images(checkpoint, options.split, others=options.other_images)
    binarised = options.target == "binarised"
    each = figures(checkpoint.model, images, options.betas, binarised=binarised)
    bar = tqdm(each, total=len(options.betas), unit="beta", disable=options.json or None)
    rows = [row._asdict() for row in bar]
    _demand_finite(checkpoint, rows)
    head = {
        "name": checkpoint.name,
        "data": images.source,
        "split": options.split,
        "target": options.target,
        "images": len(images.pixels),
    }
    if options.json:
        print(json.dumps(head | ({"warning": said} if said else {}) | {"results": rows}))
        return
    print(f"{head['name']}: {head['images']:,} images ({head['split']}) of {head['data']}")
    print(f"targets: {head['target']}; all figures in nats per image")
    _table(rows)
    if said:
        print(said)


def _curve(options: argparse.Namespace) -> None:
    for name in options.models:
        checkpoint = checkpoints.load(checkpoints.find(name))
        images, _ = _images(checkpoint, "test")
        path = curves.sidecar(checkpoint.path)
        with tqdm(total=100, unit="%", desc=checkpoint.name) as bar:
            curve = curves.measure(checkpoint, images, show=_percent(bar))
        curve.save(path)
        print(path)


def _gaps(options: argparse.Namespace) -> None:
    known: dict[str, list[Judges]] = {}
    for name in options.models:
        checkpoint = checkpoints.load(checkpoints.find(name))
        data = checkpoint.config.data
        images, _ = _images(checkpoint, "test")
        path = gap_tables.sidecar(checkpoint.path)
        with tqdm(total=100, unit="%", desc=checkpoint.name) as bar:
            if data not in known:
                train, validation = load(data, "train"), load(data, "validation")
                if not can_judge(train, validation):
                    raise DataError(
                        f"Gaps of {data} cannot be measured: classifiers need two classes at least, and validation "
                        "images of each. Upload more images of each class."
                    )
                known[data] = [fit_judges(train, validation, seed) for seed in range(options.seeds)]
            table = gap_tables.measure(checkpoint, images, known[data], train=load(data, "train"), show=_percent(bar))
        table.save(path)
        print(path)


def _images(checkpoint: Checkpoint, part: str, *, others: bool = False) -> tuple[Images, str | None]:
    """Returns a part of the images that a checkpoint is meant for, and what is to be said of them.

    Raises:
        CheckpointError: If the model makes no finite numbers of some of them.
        DataError: If they are not those that it was trained with, unless `others` allows it, or of another shape.
    """
    name = checkpoint.config.data
    images = load(name, part)
    demand_shape(images, checkpoint.config.shape)
    said = changed(name, part, images, checkpoint.provenance.images)
    if said and not others:
        raise DataError(
            f"{said} Bring those images back under this name, or train a new model. `evaluate --other-images` measures "
            "these all the same."
        )
    for beta in {checkpoint.config.beta_min, checkpoint.config.beta_max, reported_beta(checkpoint.config)}:
        codes = encode(checkpoint.model, spread(images.pixels, LOOKED_AT), beta)
        if not all((np.abs(values) <= FARTHEST).all() for values in codes):  # not a number is not, either
            raise _unusable(checkpoint, "codes")
    return images, said


def _demand_finite(checkpoint: Checkpoint, rows: list[dict[str, Any]]) -> None:
    """Raises CheckpointError where a figure is no finite number."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise _unusable(checkpoint, name)


def _unusable(checkpoint: Checkpoint, what: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: {what} of these images: no finite numbers, or far too large ones. The file is damaged, or "
        "its training diverged: copy it again, or train the model again."
    )


def _list(options: argparse.Namespace) -> None:
    entries = checkpoints.list_all()
    rows = [
        {
            "name": entry.name,
            "kind": entry.config.kind if entry.config else None,
            "data": entry.config.data if entry.config else None,
            "latent": entry.config.latent if entry.config else None,
            "epochs": entry.provenance.epochs if entry.provenance else None,
            "digest": None if entry.error else entry.digest is not None,
            "file": str(entry.path),
            "error": entry.error,
        }
        for entry in entries
    ]
    if options.json:
        print(json.dumps(rows))
        return
    _table(rows)
    if any(row["digest"] is False for row in rows):
        print("digest no: an older version wrote the file, so damage to it cannot be seen. Train it again for one.")


def _download(options: argparse.Namespace) -> None:
    with tqdm(total=100, unit="%") as bar:
        download(options.data, _percent(bar))


def _shard(options: argparse.Namespace) -> None:
    print(cut(options.name, partial(load, options.data), options.images))


def _add(options: argparse.Namespace) -> None:
    """Does what the page Data does with an upload."""
    values = vars(options)
    reading = own.Reading(**{field.name: values[field.name] for field in fields(own.Reading)})
    if not options.dry_run:
        demand_free(options.name)
    with tqdm(total=100, unit="%", leave=False, disable=options.json or None) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a decoder's, about files that are left out with a reason
        found = own.read_path(options.file, reading, _percent(bar))
        choices = _choices(options, found)
        if not options.dry_run:
            add(options.name, found, choices, options.file.name, _percent(bar))
    report = own.report(found, choices)
    print(json.dumps(report, allow_nan=False) if options.json else "\n".join(_lines(report)))


def _choices(options: argparse.Namespace, found: own.Upload) -> own.Choices:
    full = found.pixels.shape[1:3]
    side = options.side or own.proposed_side(full)
    if not own.least_side(full) <= side <= own.LARGEST:
        raise DataError(f"--side is a number from {own.least_side(full)} to {own.LARGEST} for these images.")
    return own.Choices(size=own.sized(full, side), inverted=options.invert, grey=options.grey or not found.coloured)


def _lines(report: dict[str, Any]) -> list[str]:
    height, width = report["size"]
    colour = "in colour" if report["coloured"] else "in grey"
    low, high = report["range"]
    classes = [f"{shown(name)} {count:,}" for name, count in report["classes"].items()]
    return [
        f"{report['images']:,} images {colour}, kept at {height} x {width} pixels; values from {low:g} to {high:g}",
        f"{len(classes)} classes: {', '.join(classes)}" if classes else "no labels",
        *report["notes"],
        *(f"left out: {shown(name)}: {shown(why, 200)}" for name, why in report["skipped"].items()),
    ]


def _percent(bar: Any) -> Callable[[float], None]:
    def progress(fraction: float) -> None:
        bar.n = round(100 * fraction)
        bar.refresh()

    return progress


def _table(rows: list[dict[str, Any]]) -> None:
    """Prints rows under the names of their fields."""
    if not rows:
        print("nothing to show")
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"
    return shown(str(value), 300)  # a checkpoint's text may hold what drives a terminal


class _Interrupt:
    """Turns Ctrl-C into a question that training asks between steps; a second one ends at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def __enter__(self) -> _Interrupt:
        self.previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self.previous)

    def _note(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "add": _add,
    "train": _train,
    "evaluate": _evaluate,
    "curve": _curve,
    "gaps": _gaps,
    "list": _list,
    "download": _download,
    "shard": _shard,
}


if __name__ == "__main__":
    sys.exit(main())
