"""Standard normal numbers that cover their space evenly: no other thread's and no other image's."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
TINY = 2.0**-32  # what keeps a shifted point from 0 and 1, where the normal quantile is infinite


def normal_sets(sets: int, samples: int, axes: int, seed: tuple[int, ...]) -> Doubles:
    r"""Returns independent sets of quasi-random normal numbers, `(sets, samples, axes)`.

    Each set is one Sobol sequence, shifted as a whole by a uniform random vector modulo 1, through
    the normal quantile function:

    .. math:: \epsilon_{rs} = \Phi^{-1}\left( (u_s + \delta_r) \bmod 1 \right)

    Every number alone is exactly standard normal, so the mean of a function over a set is
    unbiased; the sets' means are independent, and their spread is the error of the mean of all.
    The random numbers come from a generator of its own.

    Arguments:
        sets: How many sets.
        samples: Points of a set; a power of two covers the space best.
        axes: Numbers a point.
        seed: Of the shifts: whole numbers, one of them the image, so that no two images share an error.

    References:
        | Randomization of Number Theoretic Methods for Multiple Integration (Cranley & Patterson, 1976)
        | https://doi.org/10.1137/0713071
    """
    import torch  # here and not above: what the app shows first does without

    shifts = np.random.default_rng(seed).random((sets, 1, axes))
    uniform = ((_sobol(samples, axes) + shifts) % 1).clip(TINY, 1 - TINY)
    numbers: Doubles = torch.special.ndtri(torch.from_numpy(uniform)).numpy()
    return numbers


@lru_cache(maxsize=16)
def _sobol(samples: int, axes: int) -> Doubles:
    """Returns the points `(samples, axes)` of a scrambled Sobol sequence; its seed makes a generator of its own."""
    import torch

    sequence = torch.quasirandom.SobolEngine(axes, scramble=True, seed=0)
    points: Doubles = sequence.draw(samples, dtype=torch.double).numpy()
    return points
