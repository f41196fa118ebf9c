"""What Compare computes beside its answer: fields, spots, classes of draws; each against PyTorch and NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.test_explore import unpack
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.latent.gaps.classifier import Classifier
from vae_explorer.latent.gaps.holes import fit_density, log_density
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.compare.computed import letters
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE
from vae_explorer.ui.compare.view import DuelView
from vae_explorer.ui.explore.scene import Scene

NAMES = ("digits-ae-2d", "digits-vae-2d")
BETA = 0.5
Said = list[tuple[str | None, str, Any]]


@pytest.fixture(scope="module", autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No models but the shipped ones, and their classifier fitted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_EXPLORER_RUNS", str(tmp_path_factory.mktemp("runs")))
        gap_store.classifier_later("digits").result()
        yield


@pytest.fixture(scope="module")
def duel(alone: None) -> Duel:
    return Duel(*map(Scene, NAMES))


@pytest.fixture(scope="module")
def models() -> list[Checkpoint]:
    return [checkpoints.load(checkpoints.find(name)) for name in NAMES]


def said(duel: Duel, **changes: Any) -> Said:
    view = STATE.changed(STATE.start(duel.limits), "beta", BETA) if duel.limits.beta else STATE.start(duel.limits)
    for name, value in changes.items():
        view = STATE.changed(view, name, value)
    return read(duel, view)


def read(duel: Duel, view: DuelView) -> Said:
    return [(side, kind, unpack(message)) for side, kind, message in letters(duel, view, lambda _: None)]


def one(found: Said, kind: str, side: str | None = None) -> Any:
    (message,) = [message for of, each, message in found if (each, of) == (kind, side)]
    assert message["kind"] == kind
    return message


def codes(model: Checkpoint, beta: float = BETA) -> NDArray[np.float64]:
    pixels = torch.from_numpy(data.load("digits", "test").pixels).float() / 255
    with torch.inference_mode():
        return model.model.posterior(pixels, torch.full((len(pixels),), beta)).mean.double().numpy()


def decoded(model: Checkpoint, z: NDArray[Any], beta: float = BETA) -> NDArray[np.float64]:
    with torch.inference_mode():
        mean = model.model.likelihood(torch.from_numpy(z.astype(np.float32)), torch.full((len(z),), beta)).mean
    images: NDArray[np.float64] = mean.double().numpy()
    return images


def moved(model: Checkpoint, z: NDArray[Any], beta: float = BETA) -> NDArray[np.float64]:
    """How far points move when they are decoded and encoded again, in standard deviations of the codes."""
    z = z.astype(np.float32)
    with torch.inference_mode():
        weight = torch.full((len(z),), beta)
        back = model.model.posterior(model.model.likelihood(torch.from_numpy(z), weight).mean, weight).mean
    lengths: NDArray[np.float64] = np.linalg.norm((back.double().numpy() - z) / codes(model, beta).std(0), axis=1)
    return lengths


def probabilities(classifier: Classifier, images: NDArray[np.float64]) -> NDArray[np.float64]:
    """A forward pass in double precision."""
    hidden = images.reshape(len(images), -1)
    for weight, bias in classifier.layers[:-1]:
        hidden = np.maximum(hidden @ weight.T.astype(float) + bias, 0)
    weight, bias = classifier.layers[-1]
    logits = (hidden @ weight.T.astype(float) + bias) / classifier.temperature
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return np.asarray(shares)


def noise(seed: int, count: int, axes: int = 2) -> NDArray[np.float32]:
    """The seed's standard normal numbers, as the page's sheet of 64 takes them."""
    return np.random.default_rng(seed).standard_normal((count, axes)).astype(np.float32)


def drawn(space: str, codes: NDArray[np.float64], noise: NDArray[np.float32]) -> NDArray[np.float64]:
    """Draws of the prior, or of the Gaussian that has the codes' mean and covariance."""
    if space == "prior":
        return noise.astype(float)
    u, s, _ = np.linalg.svd(np.cov(codes.T, ddof=0))
    return np.asarray(codes.mean(0) + noise @ (u * np.sqrt(s) @ u.T))


# Classes of the draws ------------------------------------------------------------------------


@pytest.mark.parametrize("spaces", [("prior", "prior"), ("fitted", "prior")])
def test_the_classes_of_four_thousand_draws_are_counted(
    duel: Duel, models: list[Checkpoint], spaces: tuple[str, str]
) -> None:
    counts = one(said(duel, seed=7, spaces=spaces), "counts")
    assert (counts["seed"], counts["spaces"], counts["beta"]) == (7, list(spaces), BETA)
    classifier = gap_store.classifier_later("digits").result()
    for side, model, space, beta in zip(counts["sides"], models, spaces, (1.0, BETA), strict=True):
        z = drawn(space, codes(model, beta), noise(7, 4000))
        shares = probabilities(classifier, decoded(model, z, beta))
        wanted = np.bincount(np.array(classifier.classes)[shares.argmax(1)], minlength=10)
        assert np.abs(np.array(side["counts"]) - wanted).sum() <= 4, "two on a border may fall otherwise"
        assert sum(side["counts"]) == side["draws"] == 4000
        assert side["recognised"] == pytest.approx((shares.max(1) >= 0.9).mean(), abs=0.001)
        assert side["missing"] == [k for k, count in enumerate(side["counts"]) if count < 40]


def test_the_sheet_shows_the_first_of_the_draws_that_are_counted_and_searched(duel: Duel) -> None:
    """As its words say: 4,000 draws, of which the sheet shows 64."""
    found = said(duel, seed=7)
    sheet = unpack(duel.answer(STATE.changed(STATE.start(duel.limits), "seed", 7), STATE.start(duel.limits)))["noise"]
    assert (sheet.reshape(64, 2) == noise(7, 4000)[:64]).all()
    searched = noise(7, 1000).round(5).tolist()
    for side in ("left", "right"):
        assert all(np.float32(spot["z"]).round(5).tolist() in searched for spot in one(found, "field", side)["spots"])


def test_the_classifier_that_the_browser_runs_says_what_it_says_here(duel: Duel) -> None:
    judge = one(said(duel), "judge")
    classifier = gap_store.classifier_later("digits").result()
    assert judge["classes"] == list(classifier.classes)
    images = data.load("digits", "test").pixels[:200] / 255
    weights, hidden = judge["weights"].astype(float), images.reshape(len(images), -1)
    for depth, layer in enumerate(judge["plan"]["layers"], 1):
        size = layer["inputs"] * layer["outputs"]
        weight, bias, weights = np.split(weights, [size, size + layer["outputs"]])
        hidden = hidden @ weight.reshape(layer["outputs"], layer["inputs"]).T + bias
        if depth < len(judge["plan"]["layers"]):
            hidden = np.maximum(hidden, 0)
    assert not len(weights)
    shares = np.exp(hidden - hidden.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    assert np.abs(shares - probabilities(classifier, images)).max() < 0.02  # weights in half precision


# Fields and worst spots ------------------------------------------------------------------------


def test_a_worst_spot_is_a_draw_with_its_own_value_and_none_is_worse(duel: Duel, models: list[Checkpoint]) -> None:
    found = said(duel, seed=3, spaces=("fitted", "prior"))
    for side, model, space, beta in zip(("left", "right"), models, ("fitted", "prior"), (1.0, BETA), strict=True):
        spots = one(found, "field", side)["spots"]
        assert 0 < len(spots) <= 8
        z, values = np.array([spot["z"] for spot in spots]), np.array([spot["value"] for spot in spots])
        draws = drawn(space, codes(model, beta), noise(3, 1000))
        away = np.linalg.norm(z[:, None] - draws[None], axis=2)
        assert away.min(1) == pytest.approx(0, abs=1e-4)
        assert len({*away.argmin(1)}) == len(spots)
        assert values == pytest.approx(moved(model, z, beta), rel=1e-3)
        assert (np.diff(values) <= 0).all()
        assert values[0] == pytest.approx(moved(model, draws, beta).max(), rel=1e-3)


def test_where_more_is_better_the_worst_spot_is_the_least(duel: Duel, models: list[Checkpoint]) -> None:
    found = said(duel, seed=3, field="density")
    for side, model, beta in zip(("left", "right"), models, (1.0, BETA), strict=True):
        density = fit_density(codes(model, beta).astype(np.float32))
        values = log_density(density, noise(3, 1000)) - density.level
        spots = [spot["value"] for spot in one(found, "field", side)["spots"]]
        assert (np.diff(spots) >= 0).all()
        assert spots[0] == pytest.approx(values.min(), abs=0.01)


@pytest.mark.parametrize(("kind", "cells"), [("draft", 25), ("field", 100), ("near", 100)])
def test_a_field_has_the_value_of_each_cells_centre(
    duel: Duel, models: list[Checkpoint], kind: str, cells: int
) -> None:
    windows = ((1.0, -2.0, 3.0), (0.25, -0.5, 1.0))
    found = said(duel, windows=windows)
    for k, (side, model, beta) in enumerate(zip(("left", "right"), models, (1.0, BETA), strict=True)):
        field = one(found, kind, side)
        assert (field["side"], field["field"], field["beta"]) == (cells, "round_trip", beta)
        x, y, half = windows[k] if kind == "near" else duel.sides[k].limits.home
        left, right, bottom, top = field["extent"]
        assert (left + right, bottom + top) == pytest.approx((2 * x, 2 * y))
        assert right - left == top - bottom
        assert right - left > 2 * half, "a map may be wider than it is high"
        values = field["values"].reshape(cells, cells)
        places = [(0, 0), (3, 20), (cells // 2, cells // 3), (cells - 1, 1)]
        step = (right - left) / cells
        z = np.array([[left + (column + 0.5) * step, top - (row + 0.5) * step] for row, column in places])
        assert [values[place] for place in places] == pytest.approx(moved(model, z, beta), rel=2e-3, abs=1e-4)


def test_what_is_looked_at_first_comes_first(duel: Duel) -> None:
    """A first pass of the field, classes of the draws, what is zoomed into; then the whole. A map that is hardly
    zoomed has no field of its own."""
    home = duel.sides[1].limits.home
    found = said(duel, windows=((0.0, 0.0, 1.0), (home[0], home[1], 0.9 * home[2])))
    assert [(kind, side) for side, kind, _ in found] == [
        *(("draft", side) for side in ("left", "right")),
        *(("judge", None), ("counts", None), ("near", "left")),
        *(("field", side) for side in ("left", "right")),
    ]
    assert [kind for _, kind, _ in said(duel, field=None)] == ["judge", "counts"]


def test_progress_rises_to_the_end(duel: Duel) -> None:
    for field in ("nearest", "class"):
        shown: list[float] = []
        view = STATE.changed(STATE.start(duel.limits), "field", field)
        list(letters(duel, STATE.changed(view, "beta", 0.123), shown.append))
        assert shown == sorted(shown)
        assert 0 < shown[0] < shown[-1] == 1


def test_the_classes_of_the_plane_are_the_classifiers(duel: Duel, models: list[Checkpoint]) -> None:
    found = said(duel, field="class")
    assert not {"draft", "field", "near"} & {kind for _, kind, _ in found}
    classifier = gap_store.classifier_later("digits").result()
    for side, model, scene in zip(("left", "right"), models, duel.sides, strict=True):
        grid = one(found, "classes", side)
        cells, (left, right, _, top) = grid["side"], grid["extent"]
        assert right - left > 2 * scene.limits.home[2]
        assert (grid["rungs"][0], grid["rungs"][-1]) == pytest.approx(scene.limits.beta or (1.0, 1.0))
        values = grid["values"].reshape(len(grid["rungs"]), cells, cells, 10)
        for rung in (0, len(grid["rungs"]) - 1):
            places = [(0, 0), (5, 40), (cells // 2, cells // 3), (cells - 1, 1)]
            step = (right - left) / cells
            z = np.array([[left + (column + 0.5) * step, top - (row + 0.5) * step] for row, column in places])
            shares = probabilities(classifier, decoded(model, z, grid["rungs"][rung]))
            for place, share in zip(places, shares, strict=True):
                assert np.abs(values[rung][place] - 255 * share).max() < 1
