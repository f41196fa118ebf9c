"""PyTorch's own answers, without the layers that the app goes through."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images

MODEL = "mnist-vae-2d"
NOTHING = "hide=" + ",".join(map(str, range(10)))  # all classes hidden: every click is on the plane


def decode(model: Checkpoint, z: tuple[float, ...] | NDArray[Any], beta: float) -> NDArray[Any]:
    """Returns the mean image in grey levels."""
    with torch.inference_mode():
        mean = model.model.likelihood(torch.tensor([[*z]], dtype=torch.float32), torch.tensor([beta])).mean[0]
    return 255 * mean.numpy()


def posterior(model: Checkpoint, images: Images, image: int, beta: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns mean and standard deviation of one image's posterior."""
    with torch.inference_mode():
        pixels = torch.from_numpy(images.pixels[image : image + 1]).float() / 255
        q = model.model.posterior(pixels, torch.tensor([beta]))
        return q.mean[0].numpy(), q.stddev[0].numpy()


def same(shown: NDArray[np.uint8], wanted: NDArray[Any]) -> bool:
    """Equal up to rounding to a grey level (batch size changes the last bits of a product)."""
    return shown.shape == wanted.shape and float(np.abs(shown - wanted).max()) < 0.51


def close(shown: NDArray[np.uint8], wanted: NDArray[Any]) -> bool:
    """As close as the browser's float16 weights promise: 1 grey level on average, 8 at worst."""
    error = np.abs(shown - wanted)
    return shown.shape == wanted.shape and float(error.mean()) <= 1 and float(error.max()) <= 8
