"""What Compare asks over the live channel: both models' images of a point, as PyTorch has them."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.test_explore import unpack
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.ui.shell import live

STRANGERS: list[Any] = ["none", "/etc/passwd", "../pretrained/digits-ae-2d", None, 3, {}]
PAIR = {"left": "digits-ae-2d", "right": "digits-vae-2d"}


def ask(**question: Any) -> dict[str, Any]:
    """Returns what a channel of its own answers."""
    with TestClient(Starlette(routes=live.routes())).websocket_connect("/live") as channel:
        channel.send_text(f"duel\n{json.dumps({'kind': 'duel', 'n': 7, **PAIR, **question})}")
        reply: dict[str, Any] = unpack(channel.receive_bytes())
    assert reply["n"] == 7
    return reply


def test_an_image_is_decoded_by_both_at_the_weight_that_is_asked() -> None:
    images = data.load("digits", "test")
    reply = ask(point={"side": "right", "image": 5}, beta=0.1, seed=3)
    assert reply["kind"] == "duel"
    for side, name, beta in zip(reply["sides"], PAIR.values(), (1.0, 0.1), strict=True):
        model = checkpoints.load(checkpoints.find(name)).arrays
        code = encode(model, images.pixels[5:6], beta).mean
        assert side["z"] == pytest.approx(code[0].tolist(), abs=1e-5)
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(side["decoded"]))))
        assert np.abs(picture - 255 * decode(model, code, beta)[0]).max() <= 0.501
    original = np.asarray(Image.open(io.BytesIO(base64.b64decode(reply["original"]))))
    assert (original == images.pixels[5]).all()
    noise = np.random.default_rng(3).standard_normal((64, 2)).astype(np.float32)
    assert (reply["noise"].reshape(64, 2) == noise).all()
    assert reply["asked"]["point"] == {"side": "right", "image": 5, "noise": None}


def test_a_place_of_one_side_is_as_many_standard_deviations_out_on_the_other() -> None:
    reply = ask(point={"side": "right", "z": [0.5, -0.25]}, beta=1)
    pixels = data.load("digits", "test").pixels
    models = [checkpoints.load(checkpoints.find(name)).arrays for name in PAIR.values()]
    left, right = [encode(model, pixels, 1.0).mean.astype(np.float64) for model in models]
    units = (np.array([0.5, -0.25]) - right.mean(0)) / right.std(0)
    assert reply["sides"][0]["z"] == pytest.approx((left.mean(0) + units * left.std(0)).tolist(), rel=1e-4)
    assert reply["sides"][0]["distortion"] is None


@pytest.mark.parametrize(
    "question",
    [
        *({"left": each} for each in STRANGERS),
        {"right": "circles-vae-2d"},
        *({"beta": beta} for beta in (-1, 1e9, "1", True)),
        *(
            {"point": point}
            for point in ({"image": 1}, {"side": "top", "image": 1}, {"side": "left", "z": [1e9, 0]}, "x")
        ),
        *({"seed": -1}, {"spaces": ["prior"]}, {"field": "magic"}, {"spot": ["left", 0]}, {"towards": 10}),
    ],
)
def test_what_no_page_asks_is_refused_without_a_path(question: dict[str, Any]) -> None:
    reply = ask(**question)
    assert reply["kind"] == "refused"
    assert len(reply["why"]) < 200
    assert not set("/<>") & set(reply["why"])
