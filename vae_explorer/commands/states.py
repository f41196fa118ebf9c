"""states: a small model trained on digits, kept at steps of its training, for the page Theory."""

from __future__ import annotations

import argparse
from typing import Any

from vae_explorer.disk.files import expanded
from vae_explorer.theory import training_states

DESCRIPTION = """Train a small VAE of two axes on the digits in black and white, and keep it at steps of its training.

The screen on maximum likelihood of the page Theory shows pretrained/training/digits-vae-2d.safetensors. Settings
and seed are fixed: the same machine makes the same file again, another rounds otherwise. It takes half a minute.
"""


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "states",
        help="keep a small model at steps of its training",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=expanded, required=True, metavar="FILE", help="to write, NAME.safetensors")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    made = training_states.make()
    training_states.save(options.out, made)
    print(made.about.data)
    print(f"{len(made.steps)} states, at steps {', '.join(map(str, made.steps))}")
    print(options.out)
