"""Training throughput against others, on the same machine in the same run.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.throughput
    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.throughput --precision float32 --pythae peer/bin/python

All train the 784-400-20 VAE (Bernoulli, one sample of z) on MNIST's training part. The plain
recipe is that of most tutorials: torchvision's data set, ToTensor, a DataLoader with one worker,
Adam in float32. Ours is `training.fit` with its defaults, in a process that keeps freed memory, as
`runs.train` has it; `--precision float32` trains as a processor without tiles for bfloat16 does.
pythae, with its data in memory, has an environment of its own (`benchmarks/_pythae.py` says how to
make one). Each is measured in a process of its own. Rounds alternate; medians are printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae_explorer.config import ModelConfig, Precision, TrainingConfig
from vae_explorer.data import data_folder, load
from vae_explorer.data.torchvision_cpu import import_torchvision
from vae_explorer.models.autoencoder import build
from vae_explorer.training.allocator import keep_freed_memory
from vae_explorer.training.engine import autocast, fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROUNDS = 3
PLAIN_STEPS = 200
WEIGHTS = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784


class PlainVAE(nn.Module):
    """The VAE of PyTorch's examples."""

    def __init__(self, latent: int = 20) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, latent), nn.Linear(400, latent)
        self.fc3, self.fc4 = nn.Linear(latent, 400), nn.Linear(400, 784)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.fc1(x.view(-1, 784)))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


def plain_loader(batch: int, images: int) -> Iterable[tuple[Tensor, Tensor]]:
    """Returns batches of the first training images, as most tutorials read them."""
    torchvision = import_torchvision()
    dataset = torchvision.datasets.MNIST(data_folder(), transform=torchvision.transforms.ToTensor())
    some: torch.utils.data.Dataset[tuple[Tensor, Tensor]] = torch.utils.data.Subset(dataset, range(images))
    return torch.utils.data.DataLoader(some, batch, shuffle=True, num_workers=1)


def plain_loss(model: PlainVAE, x: Tensor) -> Tensor:
    """Returns the negative ELBO summed over a batch, with grey targets and one sample of z."""
    out, mu, logvar = model(x)
    loss = F.binary_cross_entropy(out, x.view(-1, 784), reduction="sum")
    return loss - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())


def plain(batch: int) -> float:
    """Returns images per second of the plain recipe."""
    loader = plain_loader(batch, 60_000)
    model = PlainVAE()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    batches = iter(loader)
    next(batches)  # the worker's start is not counted
    start, images = time.perf_counter(), 0
    for x, _ in islice(batches, min(PLAIN_STEPS, 60_000 // batch - 2)):
        optimizer.zero_grad()
        plain_loss(model, x).backward()
        optimizer.step()
        images += len(x)
    return images / (time.perf_counter() - start)


def ours(batch: int, precision: Precision) -> float:
    """Returns images per second of `training.fit`, the shuffle of the epoch included."""
    keep_freed_memory()
    train, validation = load("mnist", "train"), load("mnist", "validation")
    config = ModelConfig(kind="vae", data="mnist", shape=(28, 28), latent=20, encoder=(400,), decoder=(400,))
    settings = TrainingConfig(epochs=2, batch=batch, learning_rate=1e-3, precision=precision)
    return [epoch.images_per_second for epoch in fit(build(config, 0), train, validation, settings)][-1]


def pythae(batch: int, python: Path) -> float:
    """Returns images per second of pythae, run by the Python of an environment that has it."""
    file = data_folder() / "MNIST" / "raw" / "train-images-idx3-ubyte"
    command = [str(python), str(Path(__file__).parent / "_pythae.py"), str(file), str(batch)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def products(batch: int, precision: Precision) -> float:
    """Returns images per second if training were its matrix products alone."""
    keep_freed_memory()
    shapes = [(784, 400), (400, 40), (20, 400), (400, 784)]
    with torch.inference_mode(), autocast(precision):
        layers = [(torch.randn(batch, a), torch.randn(b, a), torch.randn(batch, b)) for a, b in shapes]
        if torch.is_autocast_enabled("cpu"):
            layers = [(x.bfloat16(), w.bfloat16(), g.bfloat16()) for x, w, g in layers]
        repeats = 300
        for warm in (True, False):
            start = time.perf_counter()
            for _ in range(20 if warm else repeats):
                for i, (x, w, g) in enumerate(layers):
                    x @ w.T  # forward
                    g.T @ x  # gradient of the weights
                    if i:
                        g @ w  # gradient of the input
    return repeats * batch / (time.perf_counter() - start)


def alone(measure: Callable[[int], float], batch: int) -> float:
    """Returns what is measured in a process of its own: neither memory nor threads are inherited from another."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        return pool.submit(measure, batch).result()


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=get_args(Precision), default="auto")
    parser.add_argument("--pythae", type=Path, metavar="PYTHON", help="of an environment that has pythae")
    options = parser.parse_args()
    measures: dict[str, Callable[[int], float]] = {
        "plain": plain,
        **({"pythae": partial(pythae, python=options.pythae)} if options.pythae else {}),
        "ours": partial(ours, precision=options.precision),
        "products": partial(products, precision=options.precision),
    }
    print(f"{torch.get_num_threads()} threads; {options.precision}; MNIST training part; medians of {ROUNDS} rounds")
    for batch in (128, 512):
        rounds = [[alone(measure, batch) for measure in measures.values()] for _ in range(ROUNDS)]
        speed = {name: statistics.median(row) for name, row in zip(measures, zip(*rounds, strict=True), strict=True)}
        print(f"batch {batch}:")
        for name, each in speed.items():
            against = "its matrix products alone" if name == "products" else name
            print(f"  {against:25} {each:9,.0f} images/s; ours is {speed['ours'] / each:5.2f} times as fast")
    flops = 2 * WEIGHTS * 3
    print(f"One image costs about {flops / 1e6:.1f} MFLOP (forward, and twice that backward).")


if __name__ == "__main__":
    main()
