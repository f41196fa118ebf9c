"""The way past Streamlit's rerun: it says what the page says, and refuses what a link would."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import threading
from pathlib import Path

import httpx2
import numpy as np
import pytest
import streamlit as st
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.models.arrays import Arrays
from vae_explorer.ui.shell import direct
from vae_explorer.ui.shell.direct import routes

NAME = "digits-vae-2d"


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes()))


def ask(client: TestClient, **query: object) -> dict[str, object]:
    reply = client.get("/answer", params={"model": NAME, **{name: str(value) for name, value in query.items()}})
    assert reply.status_code == 200, reply.text
    said: dict[str, object] = reply.json()
    return said


def pixels(png: object) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(str(png)))))


def test_a_place_brings_the_decoders_image(client: TestClient) -> None:
    model = checkpoints.load(checkpoints.find(NAME)).model
    for beta, z in ((1.0, (0.123456789012345, -1.5)), (0.1, (0.0, 0.0))):
        said = ask(client, beta=beta, z=f"{z[0]},{z[1]}")
        exact = decode(Arrays(model), np.array([z], np.float32), beta)[0]
        assert np.abs(pixels(said["decoded"]) - 255 * exact).max() <= 0.5001
        # The browser takes an answer for its question only where it is the same to the last bit.
        assert said["point"] == {"z": list(z)}
        assert said["beta"] == beta


def test_an_image_brings_its_posterior_and_its_draw(client: TestClient) -> None:
    images = data.load("digits", "test")
    model = checkpoints.load(checkpoints.find(NAME)).model
    mean, std = (values[0] for values in encode(Arrays(model), images.pixels[7:8], 0.5))
    said = ask(client, beta=0.5, image=7, noise="1.5,-0.5")
    assert said["z"] == pytest.approx((mean + std * [1.5, -0.5]).tolist(), abs=1e-5)
    point = said["of"]
    assert isinstance(point, dict)
    assert point["mean"] == pytest.approx(mean.tolist(), abs=1e-5)
    assert (pixels(point["original"]) == images.pixels[7]).all()


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ({"model": NAME, "pins": "1;2"}, 400, "nothing else: model, beta, image, z, noise, part"),
        ({"model": NAME, "z": "0,0", "noise": "1" * 8000}, 414, "too long"),
        ({"model": NAME, "z": "nan,0"}, 400, "not a list of numbers"),
        ({"model": NAME, "z": "1e9,0"}, 400, "outside the plane"),
        ({"model": NAME, "beta": "1e9", "z": "0,0"}, 400, "not a number from"),
        ({"model": NAME, "image": "300"}, 400, "images 0 to 299"),
        ({}, 404, "no model"),
    ],
)
def test_what_a_link_cannot_name_is_refused(client: TestClient, query: dict[str, str], code: int, words: str) -> None:
    reply = client.get("/answer", params=query)
    assert (reply.status_code, words in reply.text) == (code, True), reply.text


def test_names_are_those_of_the_list_and_no_paths(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    there = checkpoints.find(NAME)
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes(there.read_bytes())
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "broken.safetensors").write_bytes(b"no safetensors")
    names = [str(outside), str(there), str(tmp_path / "missing.safetensors"), "/etc/passwd", "broken", "missing"]
    for name in (*names, f"../pretrained/{NAME}", f"{NAME}.safetensors", f"./{NAME}", "x" * 7000, "", "\x00"):
        reply = client.get("/answer", params={"model": name, "z": "0,0"})
        said = f"There is no model “{re.sub('[^a-zA-Z0-9_ .,+-]', '?', name)[:40]}{'…' * (len(name) > 40)}” to show.\n"
        assert (reply.status_code, reply.text) == (404, said)
        assert reply.headers["content-type"].startswith("text/plain")


def test_a_name_is_asked_for_once(client: TestClient) -> None:
    assert client.get(f"/answer?model={NAME}&model={NAME}&z=0,0").status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"referer": "http://evil.example/"},
        {"sec-fetch-site": "cross-site"},
        {"user-agent": "Mozilla/5.0"},
    ],
)
def test_other_sites_start_no_work(
    headers: dict[str, str], client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_explorer.checkpoints.files.named", lambda name: pytest.fail(f"{name} was looked for"))
    reply = client.get("/answer", params={"model": NAME, "z": "0,0"}, headers=headers)
    assert (reply.status_code, reply.text) == (403, "Asked for by a page of another site.\n")


def test_too_many_questions_at_once_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()
    monkeypatch.setattr(direct, "_answer", lambda *_: held.wait(20) and PlainTextResponse("answered"))

    async def crowd() -> list[int]:
        transport = httpx2.ASGITransport(Starlette(routes=routes()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asked = [asyncio.ensure_future(client.get("/answer")) for _ in range(direct.WAITING + 20)]
            turned_away, _ = await asyncio.wait(asked, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            held.set()
            assert {task.result().status_code for task in turned_away} == {503}
            replies = [*await asyncio.gather(*asked), await client.get("/answer")]  # the last when there is room again
            return [reply.status_code for reply in replies]

    codes = asyncio.run(crowd())
    assert (codes.count(200), codes.count(503), codes[-1]) == (direct.WAITING + 1, 20, 200)


def test_who_has_waited_too_long_is_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "PATIENCE", -1.0)
    reply = client.get("/answer", params={"model": NAME, "z": "0,0"})
    assert (reply.status_code, reply.text) == (503, direct.BUSY)


def test_it_lies_beside_the_pages_below_a_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": "/lab/"}.get)
    client = TestClient(Starlette(routes=routes()))
    assert client.get("/lab/answer", params={"model": NAME, "z": "0,0"}).status_code == 200
    assert client.get("/answer").status_code == 404
