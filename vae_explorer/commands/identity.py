"""identity: the four terms of the ELBO's identity for single images, and what Q's gap is made of."""

from __future__ import annotations

import argparse
import json
from typing import Any

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint, CheckpointError
from vae_explorer.commands.printing import print_table
from vae_explorer.config import reported_beta
from vae_explorer.data import DataError, changed, demand_shape, load
from vae_explorer.data.modality import PICTURES
from vae_explorer.theory.identity import identities

MOST = 1_000  # images at once
DESCRIPTION = """Compute log P(X) - D[Q(z|X)||P(z|X)] = E_Q[log P(X|z)] - D[Q(z|X)||P(z)] for single test images.

For models of two latent axes with a prior; grey targets; in nats. Each of the four terms is computed by a
rule of its own, so that how far the two sides differ tells how far to trust them:
  log_px                   log P(X), by quadrature that adapts to the image
  kl_q_posterior           from the encoder's Gaussian Q to the true posterior
  expected_log_likelihood  over Q
  rate                     from Q to the prior, closed form
  approximation_gap        log P(X) less the best ELBO of any diagonal Gaussian
  amortization_gap         that best ELBO less the encoder's
"""


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "identity",
        help="log P(X), the posterior's KL and Q's gaps, image by image",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="NAME", help="a name from `list`, or a checkpoint's path")
    parser.add_argument("--images", type=_images, default=[0], metavar="I,I", help="test images, from 0 (default: 0)")
    parser.add_argument("--beta", type=float, default=None, metavar="B", help="KL weight (default: 1, or the model's)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Prints a row an image.

    Raises:
        CheckpointError: If the model has not two axes or no prior, or was not trained for the KL weight.
        DataError: If an image is not there, or the images are not those that the model was trained with.
    """
    checkpoint = checkpoints.load(checkpoints.find(options.model))
    beta = _beta(checkpoint, options.beta)
    name = checkpoint.config.data
    images = load(name, "test")
    demand_shape(images, checkpoint.config.shape)
    if said := changed(name, "test", images, checkpoint.provenance.images):
        raise DataError(f"{said} Bring those images back under this name, or train a new model.")
    if far := [number for number in options.images if number >= len(images.pixels)]:
        raise DataError(f"there is no test image {far[0]} of {name}: choose from 0 to {len(images.pixels) - 1}")
    found = identities(checkpoint.arrays, PICTURES.normalised(images.pixels[options.images]), beta)
    rows = [
        {
            "image": number,
            "label": None if images.labels is None else int(images.labels[number]),
            **each.terms._asdict(),
            "approximation_gap": each.gaps.approximation,
            "full_approximation_gap": each.gaps.full_approximation,
            "amortization_gap": each.gaps.amortization,
        }
        for number, each in zip(options.images, found, strict=True)
    ]
    if options.json:
        head = {"name": checkpoint.name, "data": images.source, "beta": beta, "target": "grey", "unit": "nats"}
        print(json.dumps(head | {"results": rows}))
        return
    print(f"{checkpoint.name} at KL weight {beta:g}: test images of {images.source}; grey targets; nats")
    print_table(rows)


def _beta(checkpoint: Checkpoint, asked: float | None) -> float:
    """Returns the KL weight, or says which ones and which models there are."""
    config = checkpoint.config
    if config.kind == "autoencoder":
        raise CheckpointError(
            f"{checkpoint.name} is a deterministic autoencoder: it has neither P(X) nor Q(z|X). Choose a VAE."
        )
    if config.latent != 2:
        raise CheckpointError(
            f"{checkpoint.name} has {config.latent} latent axes, and the posterior is integrated over two. Choose a "
            "model of two."
        )
    if asked is None:
        return reported_beta(config)
    low, high = (config.beta_min, config.beta_max) if config.kind == "multi-rate" else (config.beta, config.beta)
    if not low <= asked <= high:
        which = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        raise CheckpointError(f"{checkpoint.name} was trained for a KL weight of {which}, not {asked:g}.")
    return asked


def _images(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [-1]
    if not all(number >= 0 for number in numbers):
        raise argparse.ArgumentTypeError(f"images are whole numbers from 0, with commas between them, not {text!r}")
    if len(numbers) > MOST:
        raise argparse.ArgumentTypeError(f"at most {MOST:,} images at once, not {len(numbers):,}")
    return numbers
