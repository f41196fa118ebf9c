"""The live channel: it says what the page says, the newest first, and refuses what no page of ours would ask."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from tests.test_explore import unpack
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.models.arrays import Arrays
from vae_explorer.ui.explore import answers
from vae_explorer.ui.shell import live

NAME = "digits-vae-2d"
PLACE = {"z": [0.25, -1.5]}


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=live.routes()))


@pytest.fixture
def channel(client: TestClient) -> Iterator[WebSocketTestSession]:
    with client.websocket_connect("/live") as opened:
        yield opened


def send(channel: WebSocketTestSession, slot: str, n: int = 1, **question: Any) -> None:
    asked = {"model": NAME, "part": "test", "beta": 1, "point": PLACE, "kind": slot, "n": n, **question}
    channel.send_text(f"{slot}\n{json.dumps(asked)}")


def ask(channel: WebSocketTestSession, slot: str, n: int = 1, **question: Any) -> dict[str, Any]:
    send(channel, slot, n, **question)
    reply: dict[str, Any] = unpack(channel.receive_bytes())
    assert reply["n"] == n
    return reply


def levels(means: Any) -> Any:
    return np.rint(255 * means).clip(0, 255)


def test_a_place_brings_the_decoders_image(channel: WebSocketTestSession) -> None:
    model = checkpoints.load(checkpoints.find(NAME)).model
    for beta in (1.0, 0.1):
        exact = levels(decode(Arrays(model), np.array([PLACE["z"]], np.float32), beta)[0])
        said = ask(channel, "point", beta=beta)["said"]
        assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(said["decoded"])))) == exact).all()
        assert (said["point"], said["beta"], said["of"]) == (PLACE, beta, None)
        assert (ask(channel, "hover", beta=beta)["grey"].reshape(exact.shape) == exact).all()


def test_an_image_brings_its_posterior_and_its_draw(channel: WebSocketTestSession) -> None:
    images, model = data.load("digits", "test"), checkpoints.load(checkpoints.find(NAME)).model
    mean, std = (values[0] for values in encode(Arrays(model), images.pixels[7:8], 1.0))
    said = ask(channel, "point", point={"image": 7, "noise": [0.5, -2]})["said"]
    assert said["z"] == pytest.approx((mean + std * [0.5, -2]).tolist(), abs=1e-5)
    assert said["of"]["std"] == pytest.approx(std.tolist(), abs=1e-5)


def test_pins_bring_a_picture_each(channel: WebSocketTestSession) -> None:
    model = checkpoints.load(checkpoints.find(NAME)).model
    pictures = ask(channel, "pins", pins=[PLACE, {"z": [1, 1]}])["pins"]
    exact = levels(decode(Arrays(model), np.array([PLACE["z"], [1, 1]], np.float32), 1.0))
    for picture, image in zip(pictures, exact, strict=True):
        assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(picture)))) == image).all()


WRONG: dict[str, tuple[Any, ...]] = {
    "kind": ("magic", "", None, 1, []),
    "model": ("none", "/etc/passwd", "../pretrained/digits-vae-2d", None, 3, {}, "\udc80"),
    "part": ("train", None, 0, ["test"]),
    "beta": (-1, 1e9, "1", True, 10**400),
    "point": ({"image": 10**6}, {"z": [1e9, 0]}, {"z": []}, "here", [], {"z": [1, 2, 3]}),
    "pins": ([1], [PLACE] * 13, "x"),
}


@pytest.mark.parametrize("question", [{name: value} for name, values in WRONG.items() for value in values])
def test_what_no_page_asks_is_refused_and_the_next_question_answered(
    question: dict[str, Any], channel: WebSocketTestSession
) -> None:
    reply = ask(channel, "point", 3, **question)
    assert reply["kind"] == "refused"
    assert len(reply["why"]) < 200
    assert not set("/<>") & set(reply["why"])
    assert ask(channel, "point", 4)["kind"] == "point"


@pytest.mark.parametrize("text", ["", "point", "point\n", "point\n[]", "point\n{", "point\n" + "[" * 9000, "x\nnull"])
def test_what_is_no_question_is_refused(text: str, channel: WebSocketTestSession) -> None:
    channel.send_text(text)
    assert unpack(channel.receive_bytes())["kind"] == "refused"
    assert ask(channel, "hover", 2)["kind"] == "hover"


def test_the_newest_question_of_a_kind_replaces_older_ones(
    channel: WebSocketTestSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    real = answers.answer

    def slow(question: Any) -> bytes:
        begun.set()
        go.wait(10)
        return real(question)

    monkeypatch.setattr(answers, "answer", slow)
    send(channel, "point", 1)
    assert begun.wait(10)
    for n in range(2, 50):
        send(channel, "point", n)
        send(channel, "hover", 1000 + n)
    time.sleep(0.3)  # the channel reads on while an answer is made
    go.set()
    answered: list[int] = []
    while not {49, 1049} <= set(answered):
        answered.append(unpack(channel.receive_bytes())["n"])
    assert answered[0] == 1
    assert len(answered) < 20


def test_other_sites_and_too_long_questions_are_turned_away(client: TestClient) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live", headers=headers):
            pass
    with client.websocket_connect("/live") as channel:
        channel.send_text("point\n" + " " * live.LONGEST)
        with pytest.raises(WebSocketDisconnect) as closed:
            channel.receive_bytes()
        assert closed.value.code == live.TOO_LONG


def test_bytes_end_the_channel_alone(client: TestClient) -> None:
    with client.websocket_connect("/live") as channel:
        channel.send_bytes(b"point\n{}")
    with client.websocket_connect("/live") as channel:
        assert ask(channel, "hover")["kind"] == "hover"


def test_no_more_pages_than_so_many_are_listened_to(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    with client.websocket_connect("/live"), pytest.raises(WebSocketDisconnect), client.websocket_connect("/live"):
        pass
    with client.websocket_connect("/live") as channel:
        assert ask(channel, "hover")["kind"] == "hover"
