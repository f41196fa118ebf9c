"""evaluate, curve and gaps: what is measured of a trained model, printed or kept beside it."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any, get_args

import numpy as np
from tqdm import tqdm

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint, CheckpointError
from vae_explorer.commands.options import count
from vae_explorer.commands.printing import percent, print_table
from vae_explorer.config import HEAVIEST, Target, reported_beta
from vae_explorer.data import PARTS, DataError, Images, changed, demand_shape, evenly, load
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.gaps import Judges, can_judge, fit_judges
from vae_explorer.measured import curves, gap_tables
from vae_explorer.measured.evaluation import evaluations

FARTHEST = 65_504.0  # latent units: what the browser can still read
LOOKED_AT = 500  # images, whose codes must be finite before minutes are spent on all

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
  recognisable images  decoded draws, and paths, that classifiers of real images are sure of, and reconstructions
                       that one of them takes for the class of their image
  classes of the draws how many classes are missing among the decoded draws, and how even the others are
  neighbours           precision, recall, density and coverage against the test images
  codes and prior      the mean rate, split into mutual information and KL to the prior
  smoothness           steepest over usual change of the decoded image
A KL weight of an MNIST model takes some 20 seconds of one core for each seed. The app shows the
table as long as the checkpoint's weights are those that were measured.
"""


def add_to(commands: Any) -> None:
    evaluate = commands.add_parser("evaluate", help="distortion, rate, ELBO and log p(x) of a model")
    evaluate.add_argument("model", metavar="NAME", help="a name from `list`, or a checkpoint's path")
    evaluate.add_argument("--betas", type=_betas, default=[1.0], metavar="B,B", help="KL weights (default: 1)")
    evaluate.add_argument("--split", choices=PARTS, default="test", help="part of the data (default: test)")
    evaluate.add_argument("--target", choices=get_args(Target), default="grey", help="default: grey")
    evaluate.add_argument(
        "--other-images", action="store_true", help="go on though the data set has changed since the training"
    )
    evaluate.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    evaluate.set_defaults(run=_evaluate)

    _measuring(commands, "curve", "rate and distortion", CURVE).set_defaults(run=_curve)
    gaps = _measuring(commands, "gaps", "the gaps between codes", GAPS)
    gaps.add_argument("--seeds", type=count, default=3, metavar="N", help="repetitions (default: 3)")
    gaps.set_defaults(run=_gaps)


def _measuring(commands: Any, name: str, what: str, description: str) -> argparse.ArgumentParser:
    """Adds a command that measures models and keeps the result beside them."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=f"measure {what} at every KL weight, for the app to show",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", metavar="NAME", nargs="+", help="names from `list`, or checkpoints' paths")
    return parser


def _evaluate(options: argparse.Namespace) -> None:
    checkpoint = checkpoints.load(checkpoints.find(options.model))
    images, said = _images(checkpoint, options.split, others=options.other_images)
    binarised = options.target == "binarised"
    each = evaluations(checkpoint.model, images, options.betas, binarised=binarised)
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
    print_table(rows)
    if said:
        print(said)


def _curve(options: argparse.Namespace) -> None:
    for name in options.models:
        checkpoint = checkpoints.load(checkpoints.find(name))
        images, _ = _images(checkpoint, "test")
        path = curves.sidecar(checkpoint.path)
        with tqdm(total=100, unit="%", desc=checkpoint.name) as bar:
            curve = curves.measure_curve(checkpoint, images, show=percent(bar))
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
            table = gap_tables.measure_gaps(
                checkpoint, images, known[data], train=load(data, "train"), show=percent(bar)
            )
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
        codes = encode(checkpoint.arrays, evenly(images.pixels, LOOKED_AT), beta)
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


def _betas(text: str) -> list[float]:
    betas = [float(part) for part in text.split(",")]
    if not all(0 <= beta <= HEAVIEST for beta in betas):
        raise argparse.ArgumentTypeError(f"KL weights are numbers from 0 to {HEAVIEST:g}, not {text!r}")
    return betas
