"""Training throughput of pythae, run by the Python of an environment that has it; nothing of VAE Explorer is imported.

    python -m venv peer && peer/bin/pip install torch==2.13.0 pythae==0.1.2
    peer/bin/python benchmarks/_pythae.py MNIST/raw/train-images-idx3-ubyte 128

Its own trainer, loader and VAE with the 784-400-20 networks; all images in memory as float32, as its tutorials have
them. Prints images per second over one epoch, after one that warms up.
"""

import sys
import tempfile
import time

import numpy as np
import torch
from pythae.data.datasets import BaseDataset  # type: ignore[import-not-found]
from pythae.models import VAE, VAEConfig  # type: ignore[import-not-found]
from pythae.models.base.base_utils import ModelOutput  # type: ignore[import-not-found]
from pythae.models.nn import BaseDecoder, BaseEncoder  # type: ignore[import-not-found]
from pythae.trainers import BaseTrainer, BaseTrainerConfig  # type: ignore[import-not-found]
from torch import Tensor, nn


class Encoder(BaseEncoder):  # type: ignore[misc]
    """784 - 400 - 2 x 20."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.mean, self.log_var = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)

    def forward(self, x: Tensor) -> ModelOutput:
        h = torch.relu(self.hidden(x.reshape(len(x), -1)))
        return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):  # type: ignore[misc]
    """20 - 400 - 784."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=torch.sigmoid(self.out(torch.relu(self.hidden(z)))).reshape(-1, 1, 28, 28))


def main(path: str, batch: int) -> None:
    """Prints images per second."""
    pixels = np.fromfile(path, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    images = torch.from_numpy(pixels).float() / 255
    model = VAE(VAEConfig((1, 28, 28), 20, reconstruction_loss="bce"), Encoder(), Decoder())
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(folder, per_device_train_batch_size=batch, learning_rate=1e-3, no_cuda=True)
        trainer = BaseTrainer(model, BaseDataset(images, torch.zeros(len(images))), training_config=config)
        trainer.prepare_training()
        for epoch in (1, 2):
            start = time.perf_counter()
            trainer.train_step(epoch)
        print(len(images) / (time.perf_counter() - start))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
