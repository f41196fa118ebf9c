"""classifier: the network that says which class a decoded image is of, kept in a file."""

from __future__ import annotations

import argparse
from typing import Any

from vae_explorer.commands.options import DATA
from vae_explorer.data import DataError
from vae_explorer.disk.files import expanded
from vae_explorer.measured import classifiers

DESCRIPTION = """Fit the network classifier of a data set and keep it in a file.

It learns from 10,000 training images at most, is calibrated on the validation images, and its accuracy is
that on the test images. The app takes those of pretrained/classifiers/ and fits one to any other data once,
by itself; the gaps command fits its own, one for each seed.
"""


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "classifier",
        help="fit the network that says which class an image is of",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", metavar="DATA", help=DATA)
    parser.add_argument("--out", type=expanded, required=True, metavar="FILE", help="to write, NAME.safetensors")
    parser.add_argument("--seed", type=_seed, default=classifiers.SEED, metavar="N", help="default: 0")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    try:
        made = classifiers.fit(options.data, options.seed)
    except ValueError as error:
        raise DataError(f"{options.data} has no classifier: {error}. Upload more images of each class.") from error
    classifiers.save(options.out, made)
    about = made.about
    print(f"{about.data}: {about.trained:,} training images, seed {about.seed}")
    print(f"accuracy {about.accuracy:.4f} on {about.tested:,} test images")
    print(options.out)


def _seed(text: str) -> int:
    if not text.isdecimal() or not int(text) < 2**32:
        raise argparse.ArgumentTypeError(f"a whole number from 0 up is needed, not {text!r}")
    return int(text)
