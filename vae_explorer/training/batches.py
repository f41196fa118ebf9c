"""An epoch's batches: one shuffled order of all images, of which each process reads its share."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vae_explorer.data import Images, Shards


def batches(train: Images | Shards, batch: int, seed: int, part: slice) -> Iterator[Tensor]:
    """Yields a process's images of each whole batch, as bytes `(n, H, W)`.

    Shards are visited in a shuffled order, and within each its images. What is left over at the end
    and fills no batch is left out. Memory holds two shards at most, or one shuffled copy of images
    that lie in memory as it is.

    Arguments:
        train: Images in memory, which count as one shard, or in files.
        batch: Images in a batch, over all processes.
        seed: All that the order depends on.
        part: Which of each batch this process sees; it reads no others.
    """
    generator = torch.Generator().manual_seed(seed)
    used = sum(train.lengths) // batch * batch
    size = part.stop - part.start
    rest = torch.empty(0, dtype=torch.uint8)
    start = 0  # of the shard, in the epoch's order
    for shard in torch.randperm(len(train.lengths), generator=generator).tolist():
        rows = torch.randperm(train.lengths[shard], generator=generator)
        place = torch.arange(start, start + len(rows))
        start += len(rows)
        rows = rows[(place % batch >= part.start) & (place % batch < part.stop) & (place < used)]
        pixels = _read(train, shard, rows, rest)
        full = len(pixels) // size * size
        for i in range(0, full, size):
            yield pixels[i : i + size]
        rest = pixels[full:].clone()
        del pixels  # before the next shard is read


def _read(train: Images | Shards, shard: int, rows: Tensor, rest: Tensor) -> Tensor:
    """Returns what is left of the shard before, and then these rows."""
    if isinstance(train, Images):
        return torch.from_numpy(train.pixels).index_select(0, rows)  # a fifth of indexing's time
    pixels = torch.empty(len(rest) + len(rows), *train.shape, dtype=torch.uint8)
    pixels[: len(rest)] = rest.reshape(-1, *train.shape)
    train.read(shard, rows.numpy(), pixels[len(rest) :].numpy())
    return pixels
