"""All measures of one model at one KL weight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vae_explorer.latent.encoding import decode
from vae_explorer.latent.gaps.classes import class_scores, fidelity
from vae_explorer.latent.gaps.classifier import grey
from vae_explorer.latent.gaps.coverage import Cloud, cloud, neighbours
from vae_explorer.latent.gaps.holes import Density, hole_share
from vae_explorer.latent.gaps.information import split_rate
from vae_explorer.latent.gaps.measures import MEASURES, Score
from vae_explorer.latent.gaps.recognition import JUDGES, Judges, paths, recognisable_path, recognisable_share
from vae_explorer.latent.gaps.round_trip import displacement, round_trip
from vae_explorer.latent.gaps.sampling import Mixture, draw, samplings
from vae_explorer.latent.gaps.smoothness import DERIVATIVES, squared_speeds, steepness
from vae_explorer.latent.model import Encoding, Floats, Model

Scores = dict[str, Score | None]  # by measure; None where one does not exist
Clouds = dict[str, Cloud]  # by space: pixels, features
LARGEST = 2.0**50  # what is larger, or no number, is no measurement


def real_clouds(pixels: NDArray[np.uint8], judges: Judges, pixel_cloud: Cloud | None = None) -> Clouds:
    """Returns real images `(N, H, W)` as clouds of points in both spaces; the first may be known from other judges."""
    images = grey(pixels)
    return {
        "pixels": pixel_cloud or cloud(images.reshape(len(images), -1)),
        "features": cloud(judges.features(images)),
    }


def all_scores(
    model: Model,
    beta: float,
    pixels: NDArray[np.uint8],
    encoding: Encoding,
    density: Density,
    clouds: Clouds,
    judges: Judges,
    draws: int,
    show: Callable[[float], None] = lambda _: None,
    *,
    trained: Encoding | None = None,
    mixture: Mixture | None = None,
) -> dict[str, Scores]:
    """Returns all measures for each of the model's sampling distributions; those that need none stand under all.

    Arguments:
        model: The model.
        beta: The KL weight.
        pixels: The test images, all of them.
        encoding: Its posteriors of them.
        density: The density of their means.
        clouds: The test images as points; no more than there are draws.
        judges: The classifiers; their seed is that of draws and pairs too.
        draws: From each sampling distribution, and of z from the posteriors.
        show: Called with the rising fraction done; 1 comes last.
        trained: The posteriors that are taken together against the prior, of as many images as there are; those
            of the test images unless given.
        mixture: What a model without a prior is sampled from, too.
    """
    always = _unsampled(model, beta, encoding.mean, encoding if trained is None else trained, judges, draws)
    always["fidelity"] = fidelity(judges.network, grey(pixels), decode(model, encoding.mean, beta))
    show(0.1)
    by_sampling = {}
    names = [name for name in samplings(model.has_prior) if name != "mixture" or mixture]
    for done, sampling in enumerate(names, 1):
        z = draw(sampling, encoding.mean, draws, judges.seed, mixture)
        found = always | _sampled(model, beta, encoding.mean, density, clouds, judges, z)
        by_sampling[sampling] = {name: _measurement(found[name]) for name in MEASURES}
        show(0.1 + 0.9 * done / len(names))
    return by_sampling


def _unsampled(model: Model, beta: float, codes: Floats, trained: Encoding, judges: Judges, draws: int) -> Scores:
    """Returns what posteriors and paths between codes have, whatever the sampling distribution is."""
    information = split_rate(trained, draws, judges.seed)
    points = paths(codes, judges.seed)
    images = decode(model, points.reshape(-1, points.shape[2]), beta)
    return {
        "kl_to_prior": information and information.kl_to_prior,
        "mutual_information": information and information.mutual_information,
        **{f"path_recognised_{judge}": recognisable_path(judges, judge, images) for judge in JUDGES},
    }


def _sampled(
    model: Model, beta: float, codes: Floats, density: Density, clouds: Clouds, judges: Judges, z: Floats
) -> Scores:
    """Returns the measures of draws z `(M, D)`."""
    images = decode(model, z, beta)
    spaces = {"pixels": images.reshape(len(images), -1), "features": judges.features(images)}
    median, most = round_trip(displacement(model, z, beta), codes)
    return {
        "holes": hole_share(density, z),
        "round_trip_median": median,
        "round_trip_90": most,
        **{f"recognised_{judge}": recognisable_share(judges, judge, images) for judge in JUDGES},
        **class_scores(judges.network, images),
        **{
            f"{name}_{space}": score
            for space, points in spaces.items()
            for name, score in neighbours(clouds[space], points)._asdict().items()
        },
        "smoothness": steepness(squared_speeds(model, z[: DERIVATIVES // z.shape[1]], beta), codes),
    }


def _measurement(score: Score | None) -> Score | None:
    """Returns a score unless it is beyond all measure, as where codes give no unit."""
    return score if score is not None and np.abs(score).max() < LARGEST else None
