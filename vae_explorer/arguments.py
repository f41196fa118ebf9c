"""What the command line understands, and its help. It reads words, and does nothing."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from vae_explorer.config import (
    FOCUS,
    FOCUS_END,
    HEAVIEST,
    Backbone,
    Kind,
    Likelihood,
    ModelConfig,
    Precision,
    Reduction,
    Target,
    TrainingConfig,
)
from vae_explorer.data import DATASETS, PARTS, names, own
from vae_explorer.disk.files import expanded

EXAMPLES = """examples:
  %(prog)s list
  %(prog)s evaluate mnist-vae-2d --betas 0.1,1,4
  %(prog)s curve first
  %(prog)s gaps first
  %(prog)s train --name first --data digits --kind multi-rate --epochs 50
  %(prog)s train --name first --resume
  %(prog)s add pets pets.zip --dry-run
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

ADD = """Make your own images a data set like any other, as the page Data does.

FILE is a zip of images, an .npz file with `images`, a sheet of tiles, or a folder of images. What was
understood of it is said; the options change it:
  classes  from a level of folders, from file names, or from a column of a CSV file beside the images
  group    images that must stay in one part: those of one patient, one writer, one session
With --dry-run --json: images, size (height and width as kept), coloured, classes (name: count), range
(lowest and highest value found), levels (lowest and highest grey level kept), skipped (name: reason), notes.
"""

_READING = {
    "fit": "images of other shapes: whole with a margin, or cut (default: pad)",
    "ground": "behind transparent pixels and in margins (default: black)",
    "tile": "height and width of a sheet's tiles (default: guessed)",
    "values": "spread over all grey levels where they fill few of them, always, or never (default: auto)",
    "order": "which axis of an array counts the images (default: auto)",
    "classes": "`folder 1`, `folders`, `names`, `column NAME` or `none` (default: the likeliest)",
    "group": "the same: whose images stay in one part (default: none)",
}

_DATA = f"{', '.join(names())}, or shards/NAME"
# Which options are fields of which configuration.
MODEL_OPTIONS = (
    *("kind", "data", "latent", "backbone", "encoder", "decoder", "likelihood", "scale"),
    *("beta", "beta_min", "beta_max"),
)
TRAINING_OPTIONS = (
    *("epochs", "batch", "learning_rate", "weight_decay", "warmup", "clip", "noise", "balance", "focus"),
    *("target", "seed", "precision", "reduction"),
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns `command` and its options; None stands for the program's own arguments.

    Raises:
        SystemExit: With a line that says what to do, where they make no sense; and after help.
    """
    parser = argparse.ArgumentParser(
        prog="python -m vae_explorer",
        description="Train, judge and list autoencoders. The app itself: streamlit run app.py",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_train(commands.add_parser("train", help="train a model; Ctrl-C stops and keeps what there is"))

    evaluate = commands.add_parser("evaluate", help="distortion, rate, ELBO and log p(x) of a model")
    evaluate.add_argument("model", metavar="NAME", help="a name from `list`, or a checkpoint's path")
    evaluate.add_argument("--betas", type=_betas, default=[1.0], metavar="B,B", help="KL weights (default: 1)")
    evaluate.add_argument("--split", choices=PARTS, default="test", help="part of the data (default: test)")
    evaluate.add_argument("--target", choices=get_args(Target), default="grey", help="default: grey")
    evaluate.add_argument(
        "--other-images", action="store_true", help="go on though the data set has changed since the training"
    )
    evaluate.add_argument("--json", action="store_true", help="one JSON object instead of a table")

    _add_measuring(commands, "curve", "rate and distortion", CURVE)
    gaps = _add_measuring(commands, "gaps", "the gaps between codes", GAPS)
    gaps.add_argument("--seeds", type=_count, default=3, metavar="N", help="repetitions (default: 3)")

    listing = commands.add_parser("list", help="the trained models: shipped, and your own")
    listing.add_argument("--json", action="store_true", help="one JSON array instead of a table")

    fetch = commands.add_parser("download", help="fetch a data set into the data folder")
    fetch.add_argument("data", choices=list(DATASETS))

    shard = commands.add_parser("shard", help="cut a data set into files that training reads one after another")
    shard.add_argument("data", metavar="DATA", help=_DATA)
    shard.add_argument("--name", required=True, help="of the new data set: `--data shards/NAME`")
    shard.add_argument("--images", type=_positive, default=10_000, metavar="N", help="in a file (default: 10000)")
    _add_own(commands)
    return parser.parse_args(arguments)


def _add_own(commands: Any) -> None:
    """Adds the command that does what the page Data does; each field of Reading is an option."""
    parser = commands.add_parser(
        "add",
        help="make your own images a data set: a zip, an .npz file, a sheet or a folder",
        description=ADD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="of the data set in every list")
    parser.add_argument("file", metavar="FILE", type=expanded, help="or a folder of images")
    parser.add_argument("--dry-run", action="store_true", help="read, say what was understood, and keep nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    reading = parser.add_argument_group("reading")
    hints = get_type_hints(own.Reading)
    for field in fields(own.Reading):
        words = _READING.get(field.name, "")
        if choices := get_args(hints[field.name]):
            kind = {"type": _size, "metavar": "HxW"} if type(None) in choices else {"choices": choices}
            reading.add_argument(f"--{field.name}", default=field.default, help=words, **kind)
        else:
            reading.add_argument(f"--{field.name}", default=field.default, metavar="KEY", help=words)
    keeping = parser.add_argument_group("keeping")
    keeping.add_argument("--side", type=_positive, metavar="N", help=f"longer side, {own.LARGEST} pixels at most")
    keeping.add_argument("--invert", action="store_true", help="black and white change places")
    keeping.add_argument("--grey", action="store_true", help="colours are left out")


def _add_measuring(commands: Any, name: str, what: str, description: str) -> argparse.ArgumentParser:
    """Adds a command that measures models and keeps the result beside them."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=f"measure {what} at every KL weight, for the app to show",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", metavar="NAME", nargs="+", help="names from `list`, or checkpoints' paths")
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    m, t = ModelConfig(kind="vae", data="digits", shape=(8, 8)), TrainingConfig()
    parser.add_argument("--name", required=True, help="of the model in every list")
    parser.add_argument("--out", type=expanded, help="file to write (default: runs/NAME.safetensors)")
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
    training.add_argument(
        "--balance", type=float, help=f"multi-rate: losses over (1 + beta) to this power (default: {t.balance})"
    )
    training.add_argument(
        "--focus",
        type=float,
        help=f"multi-rate: share of images drawn from KL weights of {FOCUS[0]:g} to {FOCUS[1]:g} over the first "
        f"{FOCUS_END:.0%}% of the steps (default: {t.focus})",
    )
    training.add_argument("--target", choices=get_args(Target), help=f"default: {t.target}")
    training.add_argument("--seed", type=int, help=f"default: {t.seed}")
    training.add_argument("--precision", choices=get_args(Precision), help=f"default: {t.precision}")
    training.add_argument(
        "--reduction",
        choices=get_args(Reduction),
        help="over pixels, in the loss; mean is the famous mistake that multiplies beta by their number "
        f"(default: {t.reduction})",
    )


def _widths(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"height and width are needed, as 28x28, not {text!r}")
    return int(match[1]), int(match[2])


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
