"""The pull-back metric against closed forms, reverse-mode Jacobians and areas of decoded cells."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

import vae_explorer.latent.geometry as geometry
from tests.test_gaps import Linear
from tests.test_models import config, perturbed
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import Likelihood
from vae_explorer.latent.geometry import magnification, pullback_metric
from vae_explorer.latent.model import Model
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.ui.shell import messages

Z = np.random.RandomState(2).randn(23, 2).astype(np.float32)
EXTENT = (-2.0, 2.0, -1.0, 3.0)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "BATCH", 10)


def by_reverse_mode(model: Autoencoder, z: np.ndarray[Any, Any], beta: float) -> np.ndarray[Any, Any]:
    """Returns J^T J at each point, in float64, a row of J per pixel."""
    model = model.double()

    def mean(point: Tensor) -> Tensor:
        return model.likelihood(point[None], torch.full((1,), beta).double()).mean.flatten()

    each = [torch.autograd.functional.jacobian(mean, point) for point in torch.from_numpy(z).double()]
    model.float()
    return np.stack([(j.T @ j).numpy() for j in each])


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_the_metric_of_a_linear_decoder_is_constant(latent: int) -> None:
    model = Linear(latent)
    exact = model.w.T @ model.w
    metric = pullback_metric(model, np.random.RandomState(0).randn(23, latent).astype(np.float32), 1.0)
    assert metric.shape == (23, latent, latent)
    assert metric.dtype == np.float32
    assert np.allclose(metric, exact, rtol=1e-4, atol=1e-3), "of differences, since the model has no derivatives"
    plane = exact[:2, :2]
    assert np.allclose(magnification(model, 1.0, EXTENT, 5), np.sqrt(np.linalg.det(plane)), rtol=1e-5)


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("backbone", ["dense", "convolutional"])
@pytest.mark.parametrize("kind", ["autoencoder", "multi-rate"])
def test_forward_mode_equals_reverse_mode(kind: str, backbone: str, likelihood: Likelihood) -> None:
    model = perturbed(build(config(kind=kind, backbone=backbone, likelihood=likelihood), 0))
    metric = pullback_metric(Arrays(model), Z, 0.3)
    exact = by_reverse_mode(model, Z, 0.3)
    assert np.allclose(metric, exact, rtol=1e-3, atol=1e-4 * exact.max())
    assert np.allclose(metric, metric.transpose(0, 2, 1))


def test_a_small_step_changes_the_image_by_what_the_metric_says() -> None:
    model = perturbed(build(config(), 0))
    metric = pullback_metric(Arrays(model), Z, 1.0)
    z, step = torch.from_numpy(Z).double(), torch.tensor([3e-5, -4e-5]).double()
    model.double()
    with torch.no_grad():
        before, after = (model.likelihood(each, torch.ones(23).double()).mean for each in (z - step / 2, z + step / 2))
    distance = (after - before).flatten(1).norm(dim=1).numpy()
    assert np.allclose(distance, np.sqrt(step.numpy() @ metric @ step.numpy()), rtol=1e-3)


def test_a_model_without_derivatives_gets_differences() -> None:
    model = Arrays(perturbed(build(config(), 0)))
    exact, found = model.jacobian(Z, 1.0, 2), Model.jacobian(model, Z, 1.0, 2)
    assert found.shape == exact.shape == (23, 2, 64)
    assert np.abs(found - exact).max() < 1e-3 * np.abs(exact).max()


def test_the_kl_weight_matters_to_a_multi_rate_model_alone() -> None:
    one, many = (perturbed(build(config(kind=kind), 0)) for kind in ("vae", "multi-rate"))
    assert np.array_equal(pullback_metric(Arrays(one), Z, 0.01), pullback_metric(Arrays(one), Z, 1.0))
    assert not np.allclose(pullback_metric(Arrays(many), Z, 0.01), pullback_metric(Arrays(many), Z, 1.0))


def area(corners: np.ndarray[Any, Any]) -> float:
    """Returns the area of a flat quadrilateral in pixel space, from half the wedge of its diagonals."""
    p, q = corners[2] - corners[0], corners[3] - corners[1]
    return float(np.sqrt((p @ p) * (q @ q) - (p @ q) ** 2)) / 2


@pytest.mark.parametrize("latent", [2, 4])
def test_each_cell_is_magnified_as_its_decoded_corners_are(latent: int) -> None:
    model = perturbed(build(config(latent=latent), 0))
    field = magnification(Arrays(model), 1.0, EXTENT, 4)
    assert field.shape == (4, 4)
    assert field.dtype == np.float32
    model.double()
    half = 1e-4
    for row, column in ((0, 0), (1, 3), (3, 2)):
        z = torch.zeros(4, latent).double()
        around = torch.tensor([[-half, -half], [half, -half], [half, half], [-half, half]]).double()
        z[:, :2] = torch.tensor([-1.5 + column, 2.5 - row]) + around
        with torch.no_grad():
            corners = model.likelihood(z, torch.ones(4).double()).mean.flatten(1).numpy()
        assert area(corners) / (2 * half) ** 2 == pytest.approx(field[row, column], rel=1e-3)


def test_one_axis_is_magnified_by_its_speed_on_every_row() -> None:
    model = perturbed(build(config(latent=1), 0))
    field = magnification(Arrays(model), 1.0, EXTENT, 4)
    z = np.array([[-1.5], [-0.5], [0.5], [1.5]], np.float32)
    assert np.allclose(field, np.sqrt(by_reverse_mode(model, z, 1.0)[:, 0, 0]), rtol=1e-3)
    assert field.shape == (4, 4)


@pytest.mark.parametrize(("name", "median", "most"), [("mnist-vae-2d", 0.04, 0.15), ("digits-vae-2d", 0.08, 0.3)])
def test_the_magnification_between_the_rungs_that_are_sent_is_the_exact_one(
    name: str, median: float, most: float
) -> None:
    """What the browser draws half-way between two KL weights: the geometric mean of both fields.

    The model of digits collapses from 2 to 4: with as few rungs as MNIST's needs it errs by a third.
    """
    checkpoint = checkpoints.load(checkpoints.find(name))
    extent = (-3.4, 3.4, -3.4, 3.4)
    rungs = [beta for beta in messages.magnification_rungs(checkpoint, extent) if beta > 0.99]
    fields = [magnification(checkpoint.arrays, beta, extent, 9) for beta in rungs]
    errors = []
    for (low, high), (a, b) in zip(pairwise(rungs), pairwise(fields), strict=True):
        exact = magnification(checkpoint.arrays, math.sqrt(low * high), extent, 9)
        errors.append(np.abs(np.sqrt(a * b) / exact - 1))
    assert len(errors) >= 3
    assert np.median(errors) < median
    assert np.quantile(errors, 0.9) < most
