"""train: works on a job as the app has them, seen there while it trains, and resumed from here or there."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from vae_explorer.commands.options import DATA, add_fields, from_fields
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import load
from vae_explorer.disk.asides import discard
from vae_explorer.disk.files import expanded
from vae_explorer.jobs import jobs, runs, worker
from vae_explorer.jobs.errors import JobError, JobGone
from vae_explorer.jobs.job import Job
from vae_explorer.jobs.records import Order, Status
from vae_explorer.training.processes import Processes, joined


def add_to(commands: Any) -> None:
    """Each field of a configuration is an option; the shape of images is the data set's."""
    parser = commands.add_parser("train", help="train a model; Ctrl-C stops and keeps what there is")
    parser.add_argument("--name", required=True, help="of the model in every list")
    parser.add_argument("--out", type=expanded, help="file to write (default: runs/NAME.safetensors)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last whole epoch, wherever it was started"
    )
    model = parser.add_argument_group("model")
    add_fields(model, ModelConfig, kind={"default": "multi-rate"}, data={"default": "mnist", "help": DATA})
    add_fields(parser.add_argument_group("training"), TrainingConfig)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
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
    model = ModelConfig(shape=shape, **from_fields(ModelConfig, options))
    return model, TrainingConfig(**from_fields(TrainingConfig, options))


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
