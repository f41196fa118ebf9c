"""The identity of the ELBO on MNIST: how it balances, log P(X) against importance sampling, and the gaps per digit.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.identity

Importance sampling draws from a histogram over a grid of 600 x 600 cells, each as high as the highest of it and its
neighbours, so that it covers every mode; and one draw in ten from the prior.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.special import logsumexp

from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import load
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Doubles, Floats, Model, log_prior
from vae_explorer.theory.identity import identities, many_gaps

IMAGES, BETAS = 100, (0.1, 1.0, 4.0)
CELLS, REACH, DRAWS = 600, 8.0, 4000
TABLE = 1000


def main(parts: list[str]) -> None:
    """Prints what is asked: balance, table, or both."""
    model = checkpoints.load(checkpoints.find("mnist-vae-2d")).arrays
    images = load("mnist", "test")
    chosen = np.random.default_rng(0).choice(len(images.pixels), max(IMAGES, TABLE), replace=False)
    x = PICTURES.normalised(images.pixels[chosen])
    print(f"mnist-vae-2d; {images.source}; random test images, grey targets; nats")
    if not parts or "balance" in parts:
        for beta in BETAS:
            balance(model, x[:IMAGES], beta)
    if not parts or "table" in parts:
        table(model, x[:TABLE], images.labels[chosen[:TABLE]], 1.0)


def balance(model: Model, images: Floats, beta: float) -> None:
    """Prints how far the two sides are apart, and how log P(X) lies to importance sampling."""
    start = time.perf_counter()
    found = list(identities(model, images, beta))
    seconds = time.perf_counter() - start
    apart = np.abs([each.terms.imbalance for each in found])
    log_px = np.array([each.terms.log_px for each in found])
    sampled, error = importance(model, images, beta)
    within = np.abs(log_px - sampled) <= 3 * error
    print(
        f"beta {beta:g}, {len(images)} images: the sides differ by {np.median(apart):.6f} (median), {apart.max():.4f} "
        f"(largest); {seconds / len(images) * 1e3:.0f} ms an image; importance sampling with {DRAWS:,} draws, standard "
        f"error {np.median(error):.4f} (median), {error.max():.4f} (largest): {within.sum()} within 3 of them, "
        f"largest difference {np.abs(log_px - sampled).max():.4f}",
        flush=True,
    )


def importance(model: Model, images: Floats, beta: float) -> tuple[Doubles, Doubles]:
    """Returns log P(X) by importance sampling, and its standard errors, `(N,)` nats."""
    edges = np.sinh(np.linspace(-2, 2, CELLS + 1)) / np.sinh(2) * REACH
    at, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    x, base = images.reshape(len(images), -1), model.base_measure(images)
    field = np.empty((len(images), CELLS, CELLS), np.float32)
    for first in range(0, CELLS, 10):
        z = np.stack(np.meshgrid(at, at[first : first + 10]), -1).reshape(-1, 2).astype(np.float32)
        weights, offset = model.likelihood(z, beta)
        field[:, first : first + 10] = (x @ weights.T + offset + log_prior(z)).reshape(len(x), 10, CELLS)
    log_p, errors = [], []
    for k, row in enumerate(field):
        generator = np.random.default_rng((1, k))
        shares = np.exp(maximum_filter(row, 3).astype(np.float64) - row.max()) * np.outer(width, width)
        shares /= shares.sum()
        cell = generator.choice(CELLS * CELLS, DRAWS, p=shares.ravel())
        corner = np.stack([edges[cell % CELLS], edges[cell // CELLS]], 1)
        z = corner + generator.random((DRAWS, 2)) * np.stack([width[cell % CELLS], width[cell // CELLS]], 1)
        prior = generator.random(DRAWS) < 0.1
        z[prior] = generator.standard_normal((prior.sum(), 2))
        z = z.astype(np.float32)
        column, line = (np.clip(np.searchsorted(edges, z[:, d]) - 1, 0, CELLS - 1) for d in (0, 1))
        inside = (np.abs(z) <= REACH).all(1)
        histogram = shares[line, column] / (width[line] * width[column]) * inside
        log_q = np.log(0.9 * histogram + 0.1 * np.exp(log_prior(z)))
        weights, offset = model.likelihood(z, beta)
        log_w = weights @ x[k] + offset + log_prior(z) - log_q
        total = float(logsumexp(log_w)) - np.log(DRAWS)
        log_p.append(total + base[k])
        errors.append(np.exp(log_w - total).std(ddof=1) / np.sqrt(DRAWS))
    return np.array(log_p), np.array(errors)


def table(model: Model, images: Floats, labels: np.ndarray, beta: float) -> None:
    """Prints both gaps per digit: mean and standard error."""
    start = time.perf_counter()
    found = []
    for number, each in enumerate(many_gaps(model, images, beta)):
        found.append((each.log_px, each.approximation, each.full_approximation, each.amortization))
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {len(images)}", end="", file=sys.stderr)
    seconds = time.perf_counter() - start
    values = np.array(found)
    print(f"beta {beta:g}, {len(images):,} images, {seconds:.0f} s")
    print("| digit | images | log P(X) | approximation gap | with full covariance | amortization gap | its median |")
    print("|---|---|---|---|---|---|---|")
    for digit in [*range(10), None]:
        rows = values if digit is None else values[labels == digit]
        mean, error = rows.mean(0), rows.std(0, ddof=1) / np.sqrt(len(rows))
        cells = [f"{mean[0]:.1f} ± {error[0]:.1f}", *(f"{mean[k]:.3f} ± {error[k]:.3f}" for k in (1, 2))]
        cells.append(f"{mean[3]:.2f} ± {error[3]:.2f}")
        print("|", " | ".join(["all" if digit is None else str(digit), str(len(rows)), *cells]), end=" | ")
        print(f"{np.median(rows[:, 3]):.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
