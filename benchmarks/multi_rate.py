"""What the KL slider costs: one network for every KL weight against one network for each.

    for b in 0.01 0.1 0.3 1 2 4 10; do
        VAE_EXPLORER_DATA=../shared/data python -m vae_explorer train --name mnist-vae-2d-beta-$b \\
            --data mnist --kind vae --beta $b --epochs 80 --learning-rate 2e-3 --noise 0.2
    done
    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.multi_rate

Networks of the same size, trained the same way; the single ones lack the modulation. Objectives on
the test part, grey targets, in nats per image.
"""

from __future__ import annotations

import torch

from vae_explorer import checkpoints
from vae_explorer.data import load
from vae_explorer.training import evaluate

BETAS = (0.01, 0.1, 0.3, 1, 2, 4, 10)
SEEDS = range(4)  # samples of z an image


def main() -> None:
    """Prints a Markdown table."""
    images = load("mnist", "test")
    pixels = torch.from_numpy(images.pixels)

    def objective(name: str, beta: float) -> float:
        model = checkpoints.load(checkpoints.find(name)).model
        return sum(evaluate(model, pixels, beta, seed=seed).objective for seed in SEEDS) / len(SEEDS)

    print(f"{images.source}; {len(pixels):,} test images, {len(SEEDS)} samples of z each\n")
    print("| beta | multi-rate | for this beta alone | difference |\n|---|---|---|---|")
    for beta in BETAS:
        multi, single = objective("mnist-vae-2d", beta), objective(f"mnist-vae-2d-beta-{beta}", beta)
        print(f"| {beta} | {multi:.2f} | {single:.2f} | {multi - single:+.2f} |")


if __name__ == "__main__":
    main()
