"""What is drawn: read from the wire, encoded by PyTorch, and kept by the session."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.test_explore import KINDS, app, image_of, runs, sent, unpack
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.data.preprocess import preprocess
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.models.arrays import Arrays
from vae_explorer.ui.drawing.scene import LARGEST_SIDE, NOTHING, Drawn, answer, read
from vae_explorer.ui.explore.scene import Scene

__all__ = ["runs"]  # a fixture

STROKE = np.zeros((140, 140), np.uint8)
STROKE[20:120, 60:75] = 255
STROKE[20:35, 40:75] = 255


def png(pixels: NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


# From the wire --------------------------------------------------------------------------------


def test_a_report_gives_back_the_picture() -> None:
    drawn = read({"serial": 4, "beta": 0.5, "picture": png(STROKE)})
    assert drawn
    assert drawn[:2] == (4, 0.5)
    assert drawn.picture is not None
    assert (drawn.picture == STROKE).all()
    colour = read({"serial": 4, "beta": None, "picture": png(np.dstack([STROKE, STROKE, STROKE, 255 + 0 * STROKE]))})
    assert colour
    assert colour.picture is not None
    assert (colour.picture == STROKE).all()
    assert read({"serial": 5, "beta": 1, "picture": None}) == Drawn(5, 1, None)
    red = np.dstack([STROKE, 0 * STROKE, 0 * STROKE])
    drawn = read({"serial": 6, "beta": None, "picture": png(red)})
    assert drawn
    assert drawn.picture is not None
    assert (drawn.picture == red).all()


def claims(width: int, height: int) -> str:
    """A PNG file of a few bytes that says it is this large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    ).decode()


def jpeg() -> str:
    out = io.BytesIO()
    Image.fromarray(STROKE).save(out, "JPEG")
    return base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize(
    "reported",
    [
        None,
        "drawn",
        {},
        {"serial": "1", "beta": 1.0, "picture": None},
        {"serial": 1, "beta": float("nan"), "picture": None},
        {"serial": 1, "beta": 0, "picture": None},
        {"serial": 1, "beta": 1.0, "picture": "no base64"},
        {"serial": 1, "beta": 1.0, "picture": ""},
        {"serial": 1, "beta": 1.0, "picture": base64.b64encode(b"no picture at all, but long enough").decode()},
        {"serial": 1, "beta": 1.0, "picture": png(STROKE)[:120]},
        {"serial": 1, "beta": 1.0, "picture": jpeg()},
        {"serial": 1, "beta": 1.0, "picture": png(np.zeros((LARGEST_SIDE + 1, 2), np.uint8))},
        {"serial": 1, "beta": 1.0, "picture": claims(100_000, 100_000)},
        {"serial": 1, "beta": 1.0, "picture": "A" * 3_000_000},
    ],
)
def test_what_no_pad_would_report_is_ignored(reported: object) -> None:
    assert read(reported) is None


def test_the_largest_picture_of_a_pad_is_taken() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (LARGEST_SIDE, LARGEST_SIDE, 3), np.uint8)
    assert read({"serial": 1, "beta": 1.0, "picture": png(noise)})


# What PyTorch says ------------------------------------------------------------------------------


def oracle(name: str, picture: NDArray[np.uint8], beta: float) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """The model, and mean and standard deviation of the posterior, without the app's layers."""
    model = checkpoints.load(checkpoints.find(name)).model
    pixels = torch.from_numpy(preprocess(picture, "digits", (8, 8)).pixels[None]).float() / 255
    with torch.inference_mode():
        q = model.posterior(pixels, torch.tensor([beta]))
    return model, q.mean[0].numpy(), q.stddev[0].numpy()


@pytest.mark.parametrize("name", KINDS)
def test_the_posterior_is_the_models_own(runs: Path, name: str) -> None:
    weight = {"a-multi": 0.3}.get(name, 4.0)
    message = unpack(answer([Scene(name)], Drawn(7, 0.3, STROKE)))
    (side,) = message["sides"]
    model, mean, std = oracle(name, STROKE, weight)
    assert (message["serial"], message["beta"], message["problem"]) == (7, 0.3, "")
    assert side["mean"] == pytest.approx(mean.tolist(), abs=1e-5)
    assert side["std"] == pytest.approx(std.tolist(), abs=1e-6)
    decoded = decode(Arrays(model), mean[None], weight)[0]
    assert np.abs(image_of(side["decoded"]) - 255 * decoded).max() <= 0.51
    assert (image_of(message["seen"]) == preprocess(STROKE, "digits", (8, 8)).pixels).all()
    if name == "c-ae":
        assert side["rate"] is None
    else:
        rate = 0.5 * (mean**2 + std**2 - 1) - np.log(std)
        assert side["rate"] == pytest.approx(float(rate.sum()), rel=1e-4)
    assert side["distortion"] > 0


def test_the_ladder_holds_the_posterior_at_every_weight_between_which_it_is_dragged(runs: Path) -> None:
    (side,) = unpack(answer([Scene("a-multi")], Drawn(1, 1.0, STROKE)))["sides"]
    ladder = side["ladder"]
    assert (ladder["rungs"][0], ladder["rungs"][-1]) == (0.001, 10.0)
    for k, beta in enumerate(ladder["rungs"]):
        _, mean, std = oracle("a-multi", STROKE, beta)
        assert ladder["mean"][2 * k : 2 * k + 2] == pytest.approx(mean.tolist(), abs=1e-5)
        assert ladder["std"][2 * k : 2 * k + 2] == pytest.approx(std.tolist(), abs=1e-6)


def test_the_nearest_code_is_named_by_its_class(runs: Path) -> None:
    (side,) = unpack(answer([Scene("a-multi")], Drawn(1, 1.0, STROKE)))["sides"]
    model, mean, _ = oracle("a-multi", STROKE, 1.0)
    images = data.load("digits", "test")
    nearest = np.linalg.norm(encode(Arrays(model), images.pixels, 1.0).mean - mean, axis=1).argmin()
    assert side["nearest"] == str(images.labels[nearest])


def test_nothing_drawn_shows_nothing_and_an_even_tone_says_why(runs: Path) -> None:
    scene = Scene("a-multi")
    empty = unpack(answer([scene], NOTHING))
    assert (empty["seen"], empty["problem"]) == (None, "")
    white = unpack(answer([scene], Drawn(1, 1.0, np.full((140, 140), 255, np.uint8))))
    assert white["seen"] is None
    assert "one even tone" in white["problem"]


def test_a_weight_beyond_the_models_range_takes_its_end(runs: Path) -> None:
    (side,) = unpack(answer([Scene("a-multi")], Drawn(1, 1e5, STROKE)))["sides"]
    assert side["mean"] == pytest.approx(oracle("a-multi", STROKE, 10.0)[1].tolist(), abs=1e-5)


# The page ---------------------------------------------------------------------------------------


def test_the_drawing_outlives_its_model(runs: Path) -> None:
    test = app(state={"drawn": Drawn(3, 1.0, STROKE)})
    first = sent(test)["drawing"]
    assert first["sides"][0]["mean"] == pytest.approx(oracle("a-multi", STROKE, 1.0)[1].tolist(), abs=1e-5)
    test.selectbox(key="model").select("c-ae").run()
    assert not test.exception
    second = sent(test)["drawing"]
    assert second["serial"] == 3
    assert second["sides"][0]["mean"] == pytest.approx(oracle("c-ae", STROKE, 4.0)[1].tolist(), abs=1e-5)


def test_two_sessions_draw_for_themselves(runs: Path) -> None:
    one, other = app(state={"drawn": Drawn(1, 1.0, STROKE)}), app()
    assert sent(one)["drawing"]["seen"]
    assert sent(other)["drawing"]["seen"] is None


def test_both_models_of_a_comparison_are_asked(runs: Path) -> None:
    scenes = [Scene("b-vae"), Scene("a-multi")]
    sides = unpack(answer(scenes, Drawn(1, 0.3, STROKE)))["sides"]
    for name, weight, side in zip(("b-vae", "a-multi"), (4.0, 0.3), sides, strict=True):
        assert side["mean"] == pytest.approx(oracle(name, STROKE, weight)[1].tolist(), abs=1e-5)
