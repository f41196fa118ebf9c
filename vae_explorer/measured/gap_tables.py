"""The gap table of a checkpoint, measured once over its KL weights and kept in a file beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np

from vae_explorer.checked import Count, Meta, NotNegative
from vae_explorer.checkpoints import sidecars
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.checkpoints.sidecars import Measured, demand, demand_rising
from vae_explorer.config import ModelConfig
from vae_explorer.data import Images, evenly
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.gaps.holes import fit_density
from vae_explorer.latent.gaps.measures import FEWEST, MEASURES, Score, is_bound, pool
from vae_explorer.latent.gaps.recognition import JUDGES, Judges, recognisable_share
from vae_explorer.latent.gaps.sampling import Mixture, fit_mixture, samplings
from vae_explorer.latent.gaps.scores import Clouds, Scores, all_scores, real_clouds
from vae_explorer.latent.model import Encoding, Model

LADDER = (0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0, 10.0)
DRAWS = 10_000
REAL = tuple(f"recognised_{judge}" for judge in JUDGES)  # measured of the real images too


@dataclass(frozen=True, kw_only=True)
class GapTable(Measured):
    """All measures at each KL weight, for each of the model's sampling distributions."""

    KIND: ClassVar[str] = "gaps"
    source: str  # one line: which data
    part: str  # of the data
    images: Annotated[int, Meta(ge=FEWEST)]  # of that part
    draws: Count  # from the sampling distribution, for each seed
    seeds: Annotated[tuple[int, ...], Meta(min_length=1)]  # of draws, pairs and classifiers; scores are averages
    trained: Count  # training images of the classifiers
    together: Count  # images whose posteriors are taken together for KL and information, neither beyond log of it
    together_part: str  # of the data; the mixture is fitted to their codes
    beta: tuple[NotNegative, ...]  # rising; a deterministic autoencoder's is 0
    scores: dict[str, dict[str, tuple[Score | None, ...]]]  # by sampling and measure, one at each KL weight
    real: dict[str, Score]  # what the classifiers say of the test images themselves, by measure
    mixture: Mixture | None  # what an autoencoder is sampled from, too

    def __post_init__(self) -> None:
        demand_rising("beta", self.beta)
        if self.mixture is not None:
            _demand_sound(self.mixture)
        _demand_keys("scores", self.scores, samplings(has_prior=self.mixture is None))
        for sampling, rows in self.scores.items():
            _demand_keys(sampling, rows, MEASURES)
            for name, row in rows.items():
                demand(len(row) == len(self.beta), name, f"{len(self.beta)} scores, one at each KL weight")
        _demand_keys("real", self.real, REAL)

    @property
    def bounds(self) -> dict[str, tuple[bool, ...]]:
        """Which scores are bounds in the better direction, at each KL weight, by measure: too few images to tell."""
        near = tuple(is_bound(each, self.together) for each in self.scores["prior"]["mutual_information"])
        return {"kl_to_prior": near, "mutual_information": near}

    def rung(self, beta: float) -> int:
        """Returns which of the measured KL weights is nearest, as a ratio."""
        return min(range(len(self.beta)), key=lambda i: abs(math.log(max(self.beta[i], 1e-9) / max(beta, 1e-9))))

    def at(self, beta: float, sampling: str) -> Scores:
        """Returns the scores at the measured KL weight that is nearest, as a ratio."""
        index = self.rung(beta)
        return {name: row[index] for name, row in self.scores[sampling].items()}


def measure_gaps(
    checkpoint: Checkpoint,
    images: Images,
    judges: Sequence[Judges],
    *,
    train: Images | None = None,
    part: str = "test",
    betas: Sequence[float] | None = None,
    draws: int = DRAWS,
    show: Callable[[float], None] = lambda _: None,
) -> GapTable:
    """Measures the table over all images given, once for each of the judges and with their seed.

    Arguments:
        checkpoint: The model.
        images: The codes, the real images that draws are compared with, and the ends of paths.
        judges: Classifiers of the same data; the scores are averages over them.
        train: The training images: their posteriors, or codes, are what is taken together, since there are more of
            them; those of the images unless given.
        part: Which part of the data the images are.
        betas: KL weights; those of `ladder` unless given.
        draws: From each sampling distribution, for each of the judges.
        show: Called with the rising fraction done; 1 comes last. What it raises ends the work.

    Raises:
        ValueError: If there are fewer than `FEWEST` images or draws.
    """
    if min(len(images.pixels), draws) < FEWEST:
        raise ValueError(
            f"gaps are measured with {FEWEST} images and draws at least, not {len(images.pixels)}, {draws}"
        )
    model = checkpoint.arrays
    weights = ladder(checkpoint.config) if betas is None else tuple(sorted(betas))
    clouds = _clouds(images, judges, draws)
    together = images if train is None else train
    mixture: Mixture | None = None
    each: list[list[dict[str, Scores]]] = []
    for beta in weights:
        encoding = encode(model, images.pixels, beta)
        trained = encoding if train is None else encode(model, train.pixels, beta)
        if checkpoint.config.kind == "autoencoder":
            mixture = fit_mixture(trained.mean)
        ask = _Ask(model, beta, images, encoding, trained, mixture, draws)
        each.append(_scores(ask, judges, clouds, _progress(show, len(each), len(weights))))
    return GapTable(
        weights=sidecars.digest(checkpoint.model),
        source=images.source,
        part=part,
        images=len(images.pixels),
        draws=draws,
        seeds=tuple(judge.seed for judge in judges),
        trained=judges[0].trained,
        together=len(together.pixels),
        together_part=part if train is None else "train",
        beta=weights,
        scores={
            sampling: {
                name: tuple(pool([scores[sampling][name] for scores in seeds]) for seeds in each) for name in MEASURES
            }
            for sampling in samplings(model.has_prior)
        },
        real=_real(images, judges),
        mixture=mixture,
    )


class _Ask(NamedTuple):
    """What is measured at one KL weight."""

    model: Model
    beta: float
    images: Images
    encoding: Encoding
    trained: Encoding
    mixture: Mixture | None
    draws: int


def _scores(
    ask: _Ask, judges: Sequence[Judges], clouds: Sequence[Clouds], show: Callable[[float], None]
) -> list[dict[str, Scores]]:
    """Returns the scores of each of the judges."""
    model, beta, images, encoding, trained, mixture, draws = ask
    density = fit_density(encoding.mean)
    found: list[dict[str, Scores]] = []
    for judge, real in zip(judges, clouds, strict=True):
        step = _progress(show, len(found), len(judges))
        asked = (model, beta, images.pixels, encoding, density, real, judge, draws, step)
        found.append(all_scores(*asked, trained=trained, mixture=mixture))
    return found


def ladder(config: ModelConfig) -> tuple[float, ...]:
    """Returns the KL weights of a table: round ones that the model knows."""
    match config.kind:
        case "autoencoder":  # nobody pays for its rate
            return (0.0,)
        case "vae":
            return (config.beta,)
        case "multi-rate":
            known = tuple(beta for beta in LADDER if config.beta_min <= beta <= config.beta_max)
            return known or (config.beta_min, config.beta_max)


# As `curves` has them.
sidecar, find, load = GapTable.beside, GapTable.find, GapTable.load


def _clouds(images: Images, judges: Sequence[Judges], draws: int) -> list[Clouds]:
    """Returns the real images as clouds for each of the judges: no more images than there are draws."""
    pixels = evenly(images.pixels, draws)
    clouds: list[Clouds] = []
    for judge in judges:
        clouds.append(real_clouds(pixels, judge, clouds[0]["pixels"] if clouds else None))
    return clouds


def _real(images: Images, judges: Sequence[Judges]) -> dict[str, Score]:
    """Returns how many of the real images are recognised: what decoded ones are to be compared with."""
    grey = images.pixels.astype(np.float32) / np.float32(255)
    pooled = {}
    for name in JUDGES:
        shares = [recognisable_share(judge, name, grey) for judge in judges]
        pooled[f"recognised_{name}"] = pool([Score(share.value, 0.0, share.draws) for share in shares])
    return {name: score for name, score in pooled.items() if score}


def _progress(show: Callable[[float], None], done: int, total: int) -> Callable[[float], None]:
    return lambda part: show((done + part) / total)


def _demand_keys(name: str, values: Mapping[str, object], wanted: Iterable[str]) -> None:
    keys = sorted(wanted)
    demand(sorted(values) == keys, name, ", ".join(keys))


def _demand_sound(mixture: Mixture) -> None:
    """Demands weights that are shares, and a mean and a square root for each."""
    weights, means, roots = mixture
    demand(len(means) == len(roots) == len(weights) > 0, "mixture", "a row a component")
    axes = len(means[0])
    fits = all(len(mean) == axes and len(root) == axes**2 for mean, root in zip(means, roots, strict=True))
    demand(fits and axes > 0 and abs(sum(weights) - 1) < 1e-6, "mixture", "weights, means and roots")
