"""The table of shipped models: figures on the test part, from the files themselves.

VAE_EXPLORER_DATA=../shared/data python -m benchmarks.pretrained
"""

from __future__ import annotations

from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import load
from vae_explorer.measured.evaluation import evaluations

HEAD = "| model | test images | distortion | rate | negative ELBO | -log p(x) | training | size | made by |"


def main() -> None:
    """Prints a Markdown table."""
    print("Averages over the test images and 40,000 samples of z at least, grey targets, nats per image;")
    print("multi-rate models at beta 1; ± is what other samples would change.\n")
    print(HEAD + "\n" + "|---" * HEAD.count(" | ") + "|---|")
    for path in sorted(checkpoints.SHIPPED.glob(f"*{checkpoints.SUFFIX}")):
        checkpoint = checkpoints.load(path)
        images = load(checkpoint.config.data, "test")
        row = next(evaluations(checkpoint.model, images, [1.0]))
        variational = row.rate is not None
        cells = [
            f"`{checkpoint.name}`",
            f"{len(images.pixels):,}",
            f"{row.distortion:.2f} ± {row.distortion_error:.2f}" if variational else f"{row.distortion:.2f}",
            f"{row.rate:.2f}" if variational else "infinite",
            f"{row.neg_elbo:.2f}" if variational else "-",
            f"{row.nll:.2f}" if variational else "-",
            f"{checkpoint.provenance.seconds / 60:.1f} min",
            f"{path.stat().st_size / 1e6:.2f} MB",
            f"`{checkpoint.provenance.command}`",
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
