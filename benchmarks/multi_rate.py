"""What the KL slider costs: one network for every KL weight against networks for one each.

    for seed in 0 1 2; do for b in 0.01 0.1 0.3 1 2 4 10; do train $b $seed; done; done
    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.multi_rate

where `train` is

    train() { VAE_EXPLORER_DATA=../shared/data python -m vae_explorer train --name mnist-vae-2d-beta-$1-seed-$2 \\
        --data mnist --kind vae --beta $1 --seed $2 --epochs 80 --learning-rate 2e-3 --noise 0.2; }

Networks of the same size, trained the same way; the single ones lack the modulation. Three of them for each
weight, since seeds differ by tenths of a nat. Objectives on the test part, grey targets, in nats per image.
"""

from __future__ import annotations

from statistics import fmean

import torch

from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import load
from vae_explorer.training.engine import evaluate

BETAS = (0.01, 0.1, 0.3, 1, 2, 4, 10)
SEEDS = range(3)  # of single networks for each KL weight
DRAWS = range(4)  # samples of z an image


def main() -> None:
    """Prints a Markdown table."""
    images = load("mnist", "test")
    pixels = torch.from_numpy(images.pixels)

    def objective(name: str, beta: float) -> float:
        model = checkpoints.load(checkpoints.find(name)).model
        return fmean(evaluate(model, pixels, beta, seed=seed).objective for seed in DRAWS)

    print(f"{images.source}; {len(pixels):,} test images, {len(DRAWS)} samples of z each\n")
    print("| beta | multi-rate | for this beta alone, each seed | their mean | difference |\n|---|---|---|---|---|")
    for beta in BETAS:
        multi = objective("mnist-vae-2d", beta)
        singles = [objective(f"mnist-vae-2d-beta-{beta:g}-seed-{seed}", beta) for seed in SEEDS]
        each = ", ".join(f"{single:.2f}" for single in singles)
        print(f"| {beta:g} | {multi:.2f} | {each} | {fmean(singles):.2f} | {multi - fmean(singles):+.2f} |")


if __name__ == "__main__":
    main()
