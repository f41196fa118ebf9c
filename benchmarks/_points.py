"""Runs Streamlit on a map of any number of MNIST images: `python -m benchmarks._points 60000 run app.py`.

The app itself has no switch for that. Beyond the 10,000 of the test part come training images.
"""

from __future__ import annotations

import sys

import numpy as np
from streamlit.web import cli

from vae_explorer.data import Images, load, registry


def first(count: int) -> Images:
    """Returns the first images of the test part followed by the training part."""
    parts = [load("mnist", part) for part in ("test", "train", "validation")]
    pixels, labels = (np.concatenate(each)[:count] for each in zip(*(part[:2] for part in parts), strict=True))
    if len(labels) < count:
        sys.exit(f"There are only {len(labels):,} images. VAE_EXPLORER_DATA must name a folder with all of MNIST.")
    return Images(pixels, labels, parts[0].names, f"MNIST, {count:,} of the 70,000 images")


def main() -> None:
    """Puts the images in the place of the data set, then hands over to Streamlit's command line."""
    images = first(int(sys.argv.pop(1)))
    registry.DATASETS["mnist"] = registry.Dataset(at_hand=lambda _: images)
    cli.main()


if __name__ == "__main__":
    main()
