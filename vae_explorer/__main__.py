"""The command line: python -m vae_explorer train | evaluate | curve | gaps | list | download | shard."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from vae_explorer import checkpoints, curves, gap_tables, jobs, runs, worker
from vae_explorer.config import (
    HEAVIEST,
    Backbone,
    ConfigError,
    Kind,
    Likelihood,
    ModelConfig,
    Precision,
    Reduction,
    Target,
    TrainingConfig,
)
from vae_explorer.data import DATASETS, PARTS, DataError, Images, cut, demand_shape, download, load, names
from vae_explorer.evaluation import figures
from vae_explorer.jobs import Job, JobError, Order, Status
from vae_explorer.latent.gaps import Judges, can_judge, fit_judges
from vae_explorer.processes import Processes, ProcessesError, joined
from vae_explorer.sidecars import SidecarError

EXAMPLES = """examples:
  %(prog)s list
  %(prog)s evaluate mnist-vae-2d --betas 0.1,1,4
  %(prog)s curve first
  %(prog)s gaps first
  %(prog)s train --name first --data digits --kind multi-rate --epochs 50
  %(prog)s train --name first --resume
"""

CURVE = """Measure the rate-distortion curve of trained models and keep each beside its checkpoint, as NAME.curve.json.

A multi-rate model is measured at 17 KL weights over its range, any other at its one. Averages over the
test images, in nats per image:
  distortion  -log p(x|z), z drawn from the posterior, each KL weight with the same draws
  rate        KL from posterior to prior, and each latent axis's share of it
  nll         -log p(x) by quadrature over the plane, for two latent axes, with its error
The 10,000 images of MNIST take some three minutes. The app shows the curve as long as the checkpoint's
weights are those that were measured; train again, and measure again.
"""


GAPS = """Measure the gaps of trained models and keep each table beside its checkpoint, as NAME.gaps.json.

A multi-rate model is measured at eight KL weights from 0.01 to 10, any other at its one, each with as
many seeds as asked for. All test images, and 10,000 draws from the prior and from the Gaussian fitted
to the codes; each score has its standard error:
  holes                draws that land where hardly any code lies
  round trip           how far a draw moves when decoded and encoded again
  recognisable images  decoded draws, and paths, that classifiers of real images are sure of
  neighbours           precision, recall, density and coverage against the test images
  codes and prior      the mean rate, split into mutual information and KL to the prior
  smoothness           steepest over usual change of the decoded image
A KL weight of an MNIST model takes some 20 seconds of one core for each seed. The app shows the
table as long as the checkpoint's weights are those that were measured.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status: 0, or 2 with one line that says what to do."""
    options = _parser().parse_args(arguments)
    options.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options.run(options)
    except (checkpoints.CheckpointError, ConfigError, SidecarError, DataError, JobError, ProcessesError) as error:
        print(f"error: {error}", file=sys.stderr)
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
    job.join_queue()
    with tqdm(unit="epoch", total=job.order.training.epochs) as bar:
        worker.work(job, watch=_watch(bar), interrupted=interrupted, processes=processes)
    status = job.status
    empty = not status.records and not options.resume
    if empty:  # the same command begins anew
        job.delete()
    if status.state == "failed":
        raise JobError(status.message)
    if status.state == "done":
        print(job.model)
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
    model = {name: values[name] for name in _MODEL_OPTIONS if values[name] is not None}
    training = {name: values[name] for name in _TRAINING_OPTIONS if values[name] is not None}
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
    images = _images(checkpoint, options.split)
    binarised = options.target == "binarised"
    each = figures(checkpoint.model, images, options.betas, binarised=binarised)
    bar = tqdm(each, total=len(options.betas), unit="beta", disable=options.json or None)
    rows = [row._asdict() for row in bar]
    head = {
        "name": checkpoint.name,
        "data": images.source,
        "split": options.split,
        "target": options.target,
        "images": len(images.pixels),
    }
    if options.json:
        print(json.dumps(head | {"results": rows}))
        return
    print(f"{head['name']}: {head['images']:,} images ({head['split']}) of {head['data']}")
    print(f"targets: {head['target']}; all figures in nats per image")
    _table(rows)


def _curve(options: argparse.Namespace) -> None:
    for name in options.models:
        checkpoint = checkpoints.load(checkpoints.find(name))
        images = _images(checkpoint, "test")
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
        images = _images(checkpoint, "test")
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
            table = gap_tables.measure(checkpoint, images, known[data], show=_percent(bar))
        table.save(path)
        print(path)


def _images(checkpoint: checkpoints.Checkpoint, part: str) -> Images:
    """Returns a part of the images that a checkpoint is meant for."""
    images = load(checkpoint.config.data, part)
    demand_shape(images, checkpoint.config.shape)
    return images


def _list(options: argparse.Namespace) -> None:
    entries = checkpoints.list_all()
    rows = [
        {
            "name": entry.name,
            "kind": entry.config.kind if entry.config else None,
            "data": entry.config.data if entry.config else None,
            "latent": entry.config.latent if entry.config else None,
            "epochs": entry.provenance.epochs if entry.provenance else None,
            "file": str(entry.path),
            "error": entry.error,
        }
        for entry in entries
    ]
    if options.json:
        print(json.dumps(rows))
    else:
        _table(rows)


def _download(options: argparse.Namespace) -> None:
    with tqdm(total=100, unit="%") as bar:
        download(options.data, _percent(bar))


def _shard(options: argparse.Namespace) -> None:
    print(cut(options.name, partial(load, options.data), options.images))


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
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"
    return str(value)


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


def _widths(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _betas(text: str) -> list[float]:
    betas = [float(part) for part in text.split(",")]
    if not all(0 <= beta <= HEAVIEST for beta in betas):
        raise argparse.ArgumentTypeError(f"KL weights are numbers from 0 to {HEAVIEST:g}, not {text!r}")
    return betas


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"a number from 1 to 100 is needed, not {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text) >= 1:
        raise argparse.ArgumentTypeError(f"a number from 1 up is needed, not {text!r}")
    return int(text)


_DATA = f"{', '.join(names())}, or shards/NAME"
_MODEL_OPTIONS = (
    *("kind", "data", "latent", "backbone", "encoder", "decoder", "likelihood", "scale"),
    *("beta", "beta_min", "beta_max"),
)
_TRAINING_OPTIONS = (
    *(
        "epochs",
        "batch",
        "learning_rate",
        "weight_decay",
        "warmup",
        "clip",
        "noise",
        "target",
        "seed",
        "precision",
        "reduction",
    ),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vae_explorer",
        description="Train, judge and list autoencoders. The app itself: streamlit run app.py",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="train a model; Ctrl-C stops and keeps what there is"))

    evaluate = commands.add_parser("evaluate", help="distortion, rate, ELBO and log p(x) of a model")
    evaluate.add_argument("model", metavar="NAME", help="a name from `list`, or a checkpoint's path")
    evaluate.add_argument("--betas", type=_betas, default=[1.0], metavar="B,B", help="KL weights (default: 1)")
    evaluate.add_argument("--split", choices=PARTS, default="test", help="part of the data (default: test)")
    evaluate.add_argument("--target", choices=get_args(Target), default="grey", help="default: grey")
    evaluate.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    evaluate.set_defaults(run=_evaluate)

    curve = commands.add_parser(
        "curve",
        help="measure rate and distortion at every KL weight, for the app to show",
        description=CURVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    curve.add_argument("models", metavar="NAME", nargs="+", help="names from `list`, or checkpoints' paths")
    curve.set_defaults(run=_curve)

    gaps = commands.add_parser(
        "gaps",
        help="measure the gaps between codes at every KL weight, for the app to show",
        description=GAPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gaps.add_argument("models", metavar="NAME", nargs="+", help="names from `list`, or checkpoints' paths")
    gaps.add_argument("--seeds", type=_count, default=3, metavar="N", help="repetitions (default: 3)")
    gaps.set_defaults(run=_gaps)

    listing = commands.add_parser("list", help="the trained models: shipped, and your own")
    listing.add_argument("--json", action="store_true", help="one JSON array instead of a table")
    listing.set_defaults(run=_list)

    fetch = commands.add_parser("download", help="fetch a data set into the data folder")
    fetch.add_argument("data", choices=list(DATASETS))
    fetch.set_defaults(run=_download)

    shard = commands.add_parser("shard", help="cut a data set into files that training reads one after another")
    shard.add_argument("data", metavar="DATA", help=_DATA)
    shard.add_argument("--name", required=True, help="of the new data set: `--data shards/NAME`")
    shard.add_argument("--images", type=_positive, default=10_000, metavar="N", help="in a file (default: 10000)")
    shard.set_defaults(run=_shard)
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    m, t = ModelConfig(kind="vae", data="digits", shape=(8, 8)), TrainingConfig()
    parser.add_argument("--name", required=True, help="of the model in every list")
    parser.add_argument("--out", type=Path, help="file to write (default: runs/NAME.safetensors)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last whole epoch, wherever it was started"
    )
    model = parser.add_argument_group("model")
    model.add_argument("--data", default="mnist", help=f"{_DATA} (default: mnist)")
    model.add_argument(
        "--kind",
        choices=get_args(Kind),
        default="multi-rate",
        help="deterministic autoencoder; VAE at one KL weight; or one network for a range of them (default)",
    )
    model.add_argument("--latent", type=int, metavar="D", help=f"latent axes (default: {m.latent})")
    model.add_argument("--backbone", choices=get_args(Backbone), help=f"default: {m.backbone}")
    model.add_argument("--encoder", type=_widths, metavar="W,W", help=f"hidden widths (default: {m.encoder})")
    model.add_argument("--decoder", type=_widths, metavar="W,W", help=f"hidden widths (default: {m.decoder})")
    model.add_argument("--likelihood", choices=get_args(Likelihood), help=f"default: {m.likelihood}")
    model.add_argument("--scale", type=float, help=f"std of the Gaussian likelihood (default: {m.scale})")
    model.add_argument("--beta", type=float, help=f"KL weight of a VAE (default: {m.beta})")
    model.add_argument("--beta-min", type=float, help=f"least KL weight, multi-rate (default: {m.beta_min})")
    model.add_argument("--beta-max", type=float, help=f"largest KL weight, multi-rate (default: {m.beta_max})")
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=int, help=f"default: {t.epochs}")
    training.add_argument("--batch", type=int, help=f"images per step (default: {t.batch})")
    training.add_argument("--learning-rate", type=float, help=f"peak of the cycle (default: {t.learning_rate})")
    training.add_argument("--weight-decay", type=float, help=f"default: {t.weight_decay}")
    training.add_argument("--warmup", type=float, help=f"share of steps before the peak (default: {t.warmup})")
    training.add_argument("--clip", type=float, help=f"largest gradient norm (default: {t.clip})")
    training.add_argument("--noise", type=float, help=f"std of the noise on the encoder's input (default: {t.noise})")
    training.add_argument("--target", choices=get_args(Target), help=f"default: {t.target}")
    training.add_argument("--seed", type=int, help=f"default: {t.seed}")
    training.add_argument("--precision", choices=get_args(Precision), help=f"default: {t.precision}")
    training.add_argument(
        "--reduction",
        choices=get_args(Reduction),
        help="over pixels, in the loss; mean is the famous mistake that multiplies beta by their number "
        f"(default: {t.reduction})",
    )
    parser.set_defaults(run=_train)


if __name__ == "__main__":
    sys.exit(main())
