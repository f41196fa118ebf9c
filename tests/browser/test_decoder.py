"""What the browser computes with a checkpoint, on a blank page: decoders, codes between rungs, paths."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from scipy.linalg import sqrtm
from wasmtime import wat2wasm

from tests.test_explore import PROVENANCE
from vae_explorer import data
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.config import ModelConfig
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.latent.gaps.sampling import Mixture, points
from vae_explorer.latent.paths import PATHS
from vae_explorer.models.autoencoder import build
from vae_explorer.ui import canvas
from vae_explorer.ui.canvas.modules import joined
from vae_explorer.ui.canvas.wire import addressed
from vae_explorer.ui.shell import messages
from vae_explorer.ui.state.limits import Limits

CANVAS = Path(canvas.__file__).parent
LIMITS = Limits(model="m", latent=2, beta=(0.001, 10.0), home=(0.0, 0.0, 3.0), images=300, classes=10)
IMAGES = data.load("digits", "test")


@pytest.fixture(params=["fast", "plain"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A blank page with what decodes; "plain" as in a browser without vector instructions."""
    page = browser.new_page()
    if request.param == "plain":
        page.evaluate("WebAssembly.validate = () => false")
    page.add_script_tag(
        content=joined("wire.js", "rungs.js", "products.js", "decoder.js", "ladder.js", "paths.js", "gaussian.js")
    )
    assert page.evaluate("PRODUCT !== null") == (request.param == "fast")
    yield page
    page.close()


def checkpoint(**changes: Any) -> Checkpoint:
    """A model whose modulations and outputs are far from their start, so that mistakes show."""
    settings = {"kind": "multi-rate", "data": "digits", "shape": (8, 8), "encoder": (16,), "decoder": (13, 18)}
    config = ModelConfig(**(settings | changes))
    model = build(config, seed=1)
    for name, parameter in model.named_parameters():
        if "modulations" in name or "out" in name:
            parameter.data = parameter.data + 0.3 * parameter.data.new_tensor(
                np.random.default_rng(len(name)).standard_normal(parameter.shape)
            )
    return Checkpoint("m", Path("m.safetensors"), config, PROVENANCE, model.eval(), {})


def open_world(page: Page, loaded: Checkpoint) -> None:
    message = addressed("m", messages.world(loaded, IMAGES, LIMITS))
    page.evaluate(
        "text => { window.world = unpack(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))); }",
        base64.b64encode(message).decode(),
    )


@pytest.mark.parametrize(
    "changes",
    [
        *({}, {"kind": "vae", "beta": 0.5}, {"kind": "autoencoder"}, {"latent": 3}, {"latent": 1}),
        *({"likelihood": "continuous-bernoulli"}, {"likelihood": "gaussian"}, {"decoder": (7,)}),
    ],
)
def test_every_dense_decoder_gives_pytorchs_image(page: Page, changes: dict[str, Any]) -> None:
    loaded = checkpoint(**changes)
    open_world(page, loaded)
    z = np.random.default_rng(0).standard_normal((40, loaded.config.latent)).astype(np.float32)
    for beta in (0.001, 0.02, 1.0, 10.0, 50.0):  # beyond its range a model stays at its end
        grey = page.evaluate(
            """([points, beta]) => { const decoder = new DenseDecoder(world.decoder, world.weights);
            return points.map((z) => { const grey = new Uint8ClampedArray(64); decoder.decode(z, beta, grey);
              return [...grey]; }); }""",
            [z.tolist(), beta],
        )
        exact = 255 * decode(loaded.arrays, z, beta).reshape(len(z), 64)
        assert np.abs(np.array(grey) - exact).max() < 1.5
        assert exact.std() > 10, "a flat image would prove nothing"


def test_a_convolutional_decoder_is_exact_on_its_tiles_and_blends_between(page: Page) -> None:
    loaded = checkpoint(backbone="convolutional", encoder=(4, 8), decoder=(8, 4))
    open_world(page, loaded)
    grid = page.evaluate("world.grid")
    side, rungs = grid["side"], grid["rungs"]
    nodes = np.linspace(-3, 3, side)

    def grey(z: list[float], beta: float) -> Any:
        script = """([z, beta]) => { const grey = new Uint8ClampedArray(64);
        new TileDecoder(world.grid, world.tiles, 64).decode(z, beta, grey); return [...grey]; }"""
        return np.array(page.evaluate(script, [z, beta]))

    def exact(x: float, y: float, beta: float) -> Any:
        return np.rint(255 * decode(loaded.arrays, np.array([[x, y]], np.float32), beta)[0].ravel())

    assert np.abs(grey([nodes[5], nodes[-3]], rungs[1]) - exact(nodes[5], nodes[-3], rungs[1])).max() <= 1
    corners = [exact(nodes[i], nodes[j], rungs[0]) for i in (5, 6) for j in (8, 9)]
    middle = grey([(nodes[5] + nodes[6]) / 2, (nodes[8] + nodes[9]) / 2], rungs[0])
    assert np.abs(middle - np.mean(corners, axis=0)).max() <= 1
    between = grey([nodes[5], nodes[8]], float(np.sqrt(rungs[0] * rungs[1])))
    assert np.abs(between - (exact(nodes[5], nodes[8], rungs[0]) + exact(nodes[5], nodes[8], rungs[1])) / 2).max() <= 1
    assert (grey([99.0, -99.0], 99.0) == grey([3.0, -3.0], rungs[-1])).all(), "beyond the plane its edge stays"


@pytest.mark.parametrize("latent", [1, 2, 3])
def test_codes_are_exact_on_the_rungs_and_between_them_on_straight_lines(page: Page, latent: int) -> None:
    loaded = checkpoint(latent=latent)
    open_world(page, loaded)
    rungs = page.evaluate("world.rungs")
    low, high = (encode(loaded.arrays, IMAGES.pixels, beta) for beta in rungs[1:3])

    def climb(beta: float) -> tuple[Any, Any]:
        script = """beta => { const ladder = new Ladder(world); ladder.climb(beta);
        return [[...ladder.xy], [...ladder.spreads(beta)]]; }"""
        xy, spread = page.evaluate(script, beta)
        return np.array(xy).reshape(-1, 2)[:, :latent], np.array(spread).reshape(-1, 2)[:, :latent]

    shown = min(2, latent)
    xy, spread = climb(rungs[1])
    assert np.allclose(xy, low.mean[:, :shown], atol=2e-3)
    assert np.allclose(spread, low.std[:, :shown], rtol=2e-3)
    xy, spread = climb(float(np.sqrt(rungs[1] * rungs[2])))
    assert np.allclose(xy, (low.mean + high.mean)[:, :shown] / 2, atol=2e-3)
    assert np.allclose(spread, np.sqrt(low.std * high.std)[:, :shown], rtol=3e-3)
    one = page.evaluate("([k, beta]) => new Ladder(world).posterior(k, beta)", [7, rungs[2]])
    assert one["mean"] == pytest.approx(high.mean[7].tolist(), abs=2e-3)
    assert one["std"] == pytest.approx(high.std[7].tolist(), rel=2e-3)


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize(
    "points",
    [
        [[1.0, 0.0], [0.0, 2.0], [-1.5, -1.0]],
        [[1.0, 0.0], [-1.0, 0.0]],
        [[0.0, 0.0], [1.0, 1.0]],
        [[1.0, 1.0], [2.0, 2.0]],
        [[1.0, 0.0, 2.0], [0.5, -1.0, 0.0]],
        [[1.0], [-2.0]],
    ],
)
def test_paths_are_pythons(page: Page, kind: str, points: list[list[float]]) -> None:
    path = page.evaluate("([points, kind]) => pathThrough(points, kind, 7)", [points, kind])
    assert np.allclose(path, PATHS[kind](points, 7), atol=1e-12)


def test_the_vector_instructions_are_those_that_their_source_says() -> None:
    assert (CANVAS / "product.wasm").read_bytes() == bytes(wat2wasm((CANVAS / "product.wat").read_text()))


def test_all_codes_are_those_of_each_image(page: Page) -> None:
    open_world(page, checkpoint(latent=5))
    for beta in (0.001, 0.05, 1.0, 4.0, 10.0):
        codes, each = page.evaluate(
            """(beta) => { const ladder = new Ladder(world);
            const each = Array.from(world.labels, (_, k) => ladder.posterior(k, beta).mean);
            return [[...ladder.codes(beta)], each.flat()]; }""",
            beta,
        )
        assert len(codes) == 5 * len(IMAGES.labels)
        np.testing.assert_allclose(codes, each, atol=1e-6)


@pytest.mark.parametrize(("axes", "rank"), [(1, 1), (2, 2), (2, 1), (5, 5), (12, 12), (6, 0)])
def test_the_fitted_gaussian_has_the_symmetric_root_of_the_covariance(page: Page, axes: int, rank: int) -> None:
    """Also of codes that lie on fewer axes, where no root can be found by division, and of codes in one spot."""
    random = np.random.default_rng(axes + rank)
    codes = 3 + random.standard_normal((500, rank)) @ random.standard_normal((rank, axes)) * 10.0 ** -np.arange(axes)
    noise = random.standard_normal((64, axes))
    script = """([codes, rows, axes]) => {
        const fitted = fittedGaussian(Float64Array.from(codes.flat()), codes.length, axes);
        return [[...fitted.root], rows.map((noise) => drawFrom(fitted, Float64Array.from(noise)))]; }"""
    root, draws = page.evaluate(script, [codes.tolist(), noise.tolist(), axes])
    covariance = np.cov(codes.T, ddof=0).reshape(axes, axes)
    root = np.array(root).reshape(axes, axes)
    np.testing.assert_allclose(root, root.T, atol=1e-14)
    np.testing.assert_allclose(root @ root, covariance, atol=1e-13 * max(1.0, np.trace(covariance)))
    assert np.linalg.eigvalsh(root).min() > -1e-12
    if rank == axes:
        np.testing.assert_allclose(root, np.real(sqrtm(covariance)), atol=1e-6)
    np.testing.assert_allclose(draws, codes.mean(0) + noise @ root, atol=1e-9)
    if rank == axes < 12:
        exact = points("fitted", codes.astype(np.float32), noise.astype(np.float32))
        np.testing.assert_allclose(draws, exact, atol=1e-5)


@pytest.mark.parametrize("axes", [1, 2, 5])
def test_the_browsers_draws_from_a_mixture_are_pythons(page: Page, axes: int) -> None:
    random = np.random.RandomState(axes)
    weights = random.dirichlet(np.ones(7))
    means, roots = random.standard_normal((7, axes)), np.tril(random.standard_normal((7, axes, axes)))
    mixture = Mixture(tuple(weights), tuple(map(tuple, means)), tuple(map(tuple, roots.reshape(7, -1))))
    noise = random.standard_normal((64, axes)).astype(np.float32)
    script = """([mixture, rows]) => drawFromMixture(mixture, rows.map((noise) => Float64Array.from(noise)))"""
    draws = page.evaluate(script, [mixture._asdict(), noise.tolist()])
    np.testing.assert_allclose(draws, points("mixture", noise, noise, mixture), atol=1e-5)
