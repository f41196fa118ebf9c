"""Several processes that train one model together, on one machine or many.

They find each other through the environment that `torchrun` gives them, and add up numbers with
torch.distributed (gloo). In a program that was started alone, nothing here does anything.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed

# A paused run keeps the others waiting; one that ends or loses its connection is noticed at once all the same.
PATIENCE = timedelta(days=30)


class ProcessesError(Exception):
    """The other processes cannot be reached any more; the message says where to look."""


@dataclass(frozen=True)
class Share:
    """The images of a batch that one process sees.

    Whoever sees them, the same random numbers belong to them: each process draws for the whole
    batch and keeps its part.
    """

    part: slice
    images: int  # in the whole batch

    @property
    def whole(self) -> bool:
        return self.part == slice(0, self.images)

    def normal(self, *shape: int, generator: torch.Generator | None = None) -> Tensor:
        """Returns standard normal numbers, `(n, *shape)`; the process's own generator draws unless one is given."""
        return torch.randn(self.images, *shape, generator=generator)[self.part]

    def bernoulli(self, p: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draws zeros and ones with the probabilities `p`, `(n, ...)`, of this process's images."""
        if self.whole:
            return torch.bernoulli(p, generator=generator)
        everyone = p.new_zeros(self.images, *p.shape[1:])  # a number is drawn for each, however likely a one is
        everyone[self.part] = p
        return torch.bernoulli(everyone, generator=generator)[self.part]


@dataclass(frozen=True)
class Processes:
    """This process among those that train together."""

    rank: int  # 0 keeps the checkpoints and speaks
    size: int

    def share(self, images: int) -> Share:
        """Returns this process's images of a batch; the sizes differ by one where they cannot be even."""
        return Share(slice(images * self.rank // self.size, images * (self.rank + 1) // self.size), images)

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors of one type by their sums over all processes: the same bits in each of them.

        They travel as one, in an order that never changes, so that a repeated run rounds alike.
        """
        if self.size == 1:
            return
        together = torch.cat([tensor.flatten() for tensor in tensors])
        _wait_for(distributed.all_reduce, together)
        for tensor, total in zip(tensors, together.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def anyone(self, wish: bool) -> bool:
        """Says whether one of the processes wishes it: all get the same answer."""
        if self.size == 1:
            return wish
        votes = torch.tensor([float(wish)])
        self.add([votes])
        return bool(votes > 0)

    def agree(self, *arrays: NDArray[Any]) -> bool:
        """Says whether all processes hold the same arrays."""
        if self.size == 1:
            return True
        own = 0
        for array in arrays:
            own = zlib.crc32(np.ascontiguousarray(array).data, own)
        total = torch.tensor([float(own)], dtype=torch.float64)
        self.add([total])
        return not self.anyone(total.item() != own * self.size)

    def tell(self, content: bytes) -> bytes:
        """Returns what process 0 says, in all of them."""
        if self.size == 1:
            return content
        length = torch.tensor([len(content)])
        _wait_for(distributed.broadcast, length, 0)
        message = torch.frombuffer(bytearray(content or b"\0"), dtype=torch.uint8)
        if self.rank:
            message = torch.empty(max(1, int(length)), dtype=torch.uint8)
        _wait_for(distributed.broadcast, message, 0)
        return message.numpy().tobytes()[: int(length)]


ALONE = Processes(0, 1)


def use_half_the_processors() -> None:
    """Lets this process train on half of the machine's processors, unless `OMP_NUM_THREADS` says how many.

    The other half draws the page. Two processors that are threads of one core train no faster than one
    (an epoch of MNIST took 9 s on one, 11 on both).
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))


@contextmanager
def joined() -> Iterator[Processes]:
    """Joins the processes that `torchrun` started; without it, the block is alone and nothing is loaded.

    Raises:
        ProcessesError: If they do not find each other.
    """
    names = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
    if not names <= os.environ.keys() or os.environ["WORLD_SIZE"] == "1":
        yield ALONE
        return
    _wait_for(distributed.init_process_group, "gloo", timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def _wait_for(collective: object, *arguments: object, **options: object) -> None:
    try:
        collective(*arguments, **options)  # type: ignore[operator]
    except (RuntimeError, ValueError) as error:  # gloo has no errors of its own
        raise ProcessesError(
            f"The processes that train together lost each other ({error}). What another of them printed says why; "
            "start them all again with --resume."
        ) from error
