"""A small coupling flow, trained by maximum likelihood on a shape that the user draws."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_explorer.theory.maps import Landing, PlaneMap, Preimages

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Stroke = tuple[tuple[float, float], ...]  # of points in the unit square, the second coordinate upwards

LAYERS, HIDDEN = 8, 16
PARAMETERS = LAYERS * (4 * HIDDEN + 2)
SIDE = 4.0  # the unit square becomes [-2, 2]^2, where the other maps' shapes lie
PEN = 0.06  # standard deviation of the ink across and along a stroke, in units of the shape
BATCH = 256  # points of a step, drawn anew each time: no point is seen twice, so nothing overfits
RATE = 0.01  # of Adam, falling as a cosine to 0 at `LAST`
CHUNK = 25  # steps: what is kept lies so far apart
MOST = 250  # steps that one question may take
LAST = 2000
KEPT = 8  # shapes whose training is kept
MOST_POINTS = 4000  # of a drawing


class Trained(NamedTuple):
    """The flow after some steps, and how well it did on the way."""

    step: int
    weights: Floats  # (LAYERS, 4 * HIDDEN + 2)  of each layer: inner weights and biases, then those of scale and shift
    shift: Doubles  # (2,)  y = shift + scale * x, where x is what the layers give
    scale: Doubles  # (2,)
    loss: Floats  # (step / CHUNK,)  nats a point: mean of -log p(y) over the points of each chunk, each before its step


class FlowMap(PlaneMap):
    r"""Coupling layers, each of which moves one coordinate by a function of the other.

    .. math:: y_d = z_d \exp(s(z_{\bar d})) + t(z_{\bar d}), \qquad \log |\det J| = \sum_{layers} s

    One-to-one whatever the networks s and t are, with an inverse in closed form; s lies within (-1, 1).

    References:
        | Density Estimation Using Real NVP (Dinh, Sohl-Dickstein & Bengio, 2017)
        | https://arxiv.org/abs/1605.08803
    """

    one_to_one = True
    reach = SIDE / 2

    def __init__(self, trained: Trained) -> None:
        self._weights = torch.from_numpy(trained.weights).double()
        self._shift, self._scale = trained.shift, trained.scale

    def land(self, z: Doubles) -> Landing:
        with torch.inference_mode():
            x, log_det = _push(self._weights, torch.from_numpy(z))
        y = self._shift + self._scale * x.numpy()
        return Landing(y, log_det.numpy() + np.log(self._scale).sum())

    def preimages(self, y: Doubles) -> Preimages:
        with torch.inference_mode():
            z, _ = _pull(self._weights, torch.from_numpy((y - self._shift) / self._scale))
        return Preimages(z.numpy()[None], np.ones((1, len(y)), bool))


class Training:
    """The training of one shape: asked for a step, it goes on from the last one that it was asked for."""

    def __init__(self, strokes: tuple[Stroke, ...], seed: int) -> None:
        self._ink, self._seed = Ink(strokes), seed
        sample = self._ink.sample(4096, (seed, 0))
        self._shift, self._scale = sample.mean(0), sample.std(0)
        self._weights = _initial(seed).requires_grad_()
        self._optimizer = torch.optim.Adam([self._weights], RATE)
        self._kept = [self._weights.detach().numpy().copy()]
        self._loss: list[float] = []
        self._lock = threading.Lock()

    def at(self, step: int) -> Trained:
        """Returns the flow at a step, which may lie before the last one that was reached.

        Whatever the steps are that were asked for before, the answer is the same.

        Raises:
            ValueError: If the step is not a multiple of `CHUNK` from 0 to `LAST`, or lies more than `MOST` ahead.
        """
        if not 0 <= step <= LAST or step % CHUNK:
            raise ValueError(f"steps are multiples of {CHUNK} from 0 to {LAST}, not {step}")
        with self._lock:
            if step > (len(self._kept) - 1) * CHUNK + MOST:
                raise ValueError(f"step {step} is more than {MOST} steps ahead: ask for what lies between first")
            while len(self._kept) * CHUNK <= step:
                self._chunk()
            chunks = step // CHUNK
            loss = np.array(self._loss[:chunks], np.float32)
            return Trained(step, self._kept[chunks], self._shift, self._scale, loss)

    def _chunk(self) -> None:
        first = (len(self._kept) - 1) * CHUNK
        ink = self._ink.sample(CHUNK * BATCH, (self._seed, 1, first))
        x = torch.from_numpy((ink - self._shift) / self._scale).float().reshape(CHUNK, BATCH, 2)
        total = 0.0
        for k in range(CHUNK):
            self._optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * (first + k) / LAST))
            self._optimizer.zero_grad()
            z, log_det = _pull(self._weights, x[k])
            loss = 0.5 * z.square().sum(1).mean() + log_det.mean()
            loss.backward()
            self._optimizer.step()
            total += loss.item()
        self._loss.append(total / CHUNK + math.log(2 * math.pi) + float(np.log(self._scale).sum()))
        self._kept.append(self._weights.detach().numpy().copy())


class Ink:
    """What is drawn as a distribution: even along the strokes, blurred by `PEN`."""

    def __init__(self, strokes: Sequence[Sequence[Sequence[float]]]) -> None:
        """Takes strokes of points in the unit square; a stroke of one point is a dot.

        Raises:
            ValueError: If nothing is drawn, there is too much of it, or points lie outside.
        """
        lines = [np.asarray(stroke, np.float64).reshape(-1, 2) for stroke in strokes if len(stroke)]
        points = np.concatenate(lines) if lines else np.empty((0, 2))
        if not len(points):
            raise ValueError("nothing is drawn: draw a shape first")
        if len(points) > MOST_POINTS:
            raise ValueError(f"a drawing has at most {MOST_POINTS:,} points, and this one has {len(points):,}")
        if not ((points >= 0) & (points <= 1)).all():
            raise ValueError("the points of a drawing lie between 0 and 1")
        pairs = np.concatenate([np.stack([line, np.roll(line, -1, 0)], 1)[: max(1, len(line) - 1)] for line in lines])
        self._from, self._along = (pairs[:, 0] - 0.5) * SIDE, (pairs[:, 1] - pairs[:, 0]) * SIDE
        lengths = np.hypot(*self._along.T) + PEN  # a dot weighs as much as a line as long as the pen is wide
        self._until = lengths.cumsum() / lengths.sum()

    def sample(self, n: int, seed: tuple[int, ...]) -> Doubles:
        """Returns n points of the ink, `(n, 2)`, within [-2, 2] but for the blur."""
        generator = np.random.default_rng(seed)
        segment = np.searchsorted(self._until, generator.random(n), side="right").clip(0, len(self._until) - 1)
        points: Doubles = self._from[segment] + self._along[segment] * generator.random((n, 1))
        return points + PEN * generator.standard_normal((n, 2))


@lru_cache(maxsize=KEPT)
def training(strokes: tuple[Stroke, ...], seed: int) -> Training:
    """Returns the training of a shape, as far as it has gone.

    Raises:
        ValueError: As `Ink`.
    """
    return Training(strokes, seed)


def _initial(seed: int) -> Tensor:
    """Returns weights of the identity: the outer ones are 0."""
    generator = np.random.default_rng((seed, 2))
    weights = np.zeros((LAYERS, 4 * HIDDEN + 2), np.float32)
    weights[:, :HIDDEN] = 1.5 * generator.standard_normal((LAYERS, HIDDEN))
    weights[:, HIDDEN : 2 * HIDDEN] = 1.5 * generator.standard_normal((LAYERS, HIDDEN))
    return torch.from_numpy(weights)


def _scale_and_shift(weights: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Returns s and t, `(N,)` each, of one layer at the coordinate that it leaves."""
    inner, bias, outer, last = weights.split([HIDDEN, HIDDEN, 2 * HIDDEN, 2])
    hidden = torch.addmm(bias, other[:, None], inner[None]).tanh()
    s, t = torch.addmm(last, hidden, outer.reshape(2, HIDDEN).T).unbind(1)
    return s.tanh(), t


def _push(weights: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Returns what the layers make of `(N, 2)`, and log |det|."""
    coordinates, log_det = list(z.unbind(1)), torch.zeros_like(z[:, 0])
    for k, layer in enumerate(weights.unbind()):
        s, t = _scale_and_shift(layer, coordinates[1 - k % 2])
        coordinates[k % 2] = coordinates[k % 2] * s.exp() + t
        log_det = log_det + s
    return torch.stack(coordinates, 1), log_det


def _pull(weights: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns what the layers made `(N, 2)` of, and log |det| of the way there."""
    coordinates, log_det = list(x.unbind(1)), torch.zeros_like(x[:, 0])
    for k, layer in reversed(list(enumerate(weights.unbind()))):
        s, t = _scale_and_shift(layer, coordinates[1 - k % 2])
        coordinates[k % 2] = (coordinates[k % 2] - t) * (-s).exp()
        log_det = log_det + s
    return torch.stack(coordinates, 1), log_det
