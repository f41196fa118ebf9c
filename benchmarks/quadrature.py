"""log p(x) by quadrature: its error, and its cost against IWAE with 5,000 samples.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.quadrature

IWAE's cost is proportional to the number of images, so it is timed on a sample of them and scaled;
quadrature is timed on all.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import load
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.marginal import SIDE, log_marginal, make_grid, reach_of
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.objectives import iwae

SAMPLES = 5000
IWAE_IMAGES = 100
GRID_IMAGES = 500  # for the grid twice as fine


def main() -> None:
    """Prints error and cost at beta 1."""
    model = checkpoints.load(checkpoints.find("mnist-vae-2d")).model
    images = load("mnist", "test")
    print(f"mnist-vae-2d at beta 1; {images.source}; {len(images.pixels):,} test images, grey targets")

    start = time.perf_counter()
    ours = log_marginal(Arrays(model), images.pixels, 1.0)
    seconds = time.perf_counter() - start
    print(f"quadrature: log p(x) = {ours.log_p.mean():.2f} nats, {seconds:.1f} s for all images")

    reach = reach_of(encode(Arrays(model), images.pixels, 1.0).mean)
    some = images.pixels[:GRID_IMAGES]
    plain, fine = (log_marginal(Arrays(model), some, 1.0, make_grid(side, reach)).log_p for side in (SIDE, 2 * SIDE))
    error = np.abs(plain - fine)
    print(
        f"against a grid twice as fine ({GRID_IMAGES} images): mean absolute difference {error.mean():.4f}, "
        f"mean difference {(plain - fine).mean():+.4f}, largest {error.max():.3f} nats"
    )

    x = torch.from_numpy(images.pixels[:IWAE_IMAGES]).float() / 255
    torch.manual_seed(0)
    start = time.perf_counter()
    with torch.inference_mode():
        bound = torch.cat([iwae(model, each, torch.ones(len(each)), SAMPLES) for each in x.split(2)]).numpy()
    iwae_seconds = (time.perf_counter() - start) * len(images.pixels) / IWAE_IMAGES
    below = ours.log_p[:IWAE_IMAGES] - bound
    print(
        f"IWAE with {SAMPLES:,} samples: {below.mean():.2f} ± {below.std(ddof=1) / IWAE_IMAGES**0.5:.2f} nats below "
        f"quadrature (median {np.median(below):.3f}) on {IWAE_IMAGES} images; "
        f"{iwae_seconds:,.0f} s for all (scaled): {iwae_seconds / seconds:.0f} times as long"
    )


if __name__ == "__main__":
    main()
