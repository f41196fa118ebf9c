"""Strangers' names and other sites' pages come no further than the guard."""

from __future__ import annotations

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import net_util
from streamlit.web.server.starlette import starlette_websocket

from vae_explorer.ui.shell.guard import is_asked_here, is_own, middleware

SOCKET = "192.168.1.20"  # the address that requests come in at
OPTIONS: dict[str, object] = {
    "server.allowedHosts": [],
    "server.corsAllowedOrigins": [],
    "server.enableCORS": True,
    "server.address": "localhost",
    "browser.serverAddress": "localhost",
}


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Streamlit's options, which a test may set."""
    values = dict(OPTIONS)
    monkeypatch.setattr(st, "get_option", values.get)
    return values


@pytest.fixture
def client() -> TestClient:
    """A server behind the guard, which tells the origin that has come through."""

    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("inside")

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(str(websocket.headers.get("origin")))
        await websocket.close()

    routes = [Route("/", page, methods=["GET", "PUT"]), WebSocketRoute("/stream", stream)]
    return TestClient(Starlette(routes=routes, middleware=middleware()), "http://localhost:8501")


def stream(client: TestClient, host: str, origin: str | None) -> str | None:
    """Returns the origin that a WebSocket came through with, or None where it was refused."""
    headers = {"host": host, **({} if origin is None else {"origin": origin})}
    try:
        with client.websocket_connect("/stream", headers=headers) as websocket:
            return str(websocket.receive_text())
    except WebSocketDisconnect:
        return None


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8501", "LOCALHOST.", "127.0.0.1:8501", "127.3.2.1", "[::1]:8501", "app.localhost", SOCKET],
)
def test_a_name_of_its_own_comes_in(host: str, options: dict[str, object]) -> None:
    assert is_own([host], SOCKET)
    assert is_own([host], f"::ffff:{SOCKET}")  # as a socket of both protocols names it


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8501",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.evil.example",
        "evil.example@localhost",
        "localhost/evil.example",
        "localhost:evil",
        "localhost, evil.example",
        "192.168.1.21",
        "0.0.0.0:8501",
        "[::2]:8501",
        "[",
        "",
        "None",
    ],
)
def test_a_strangers_name_does_not(host: str, options: dict[str, object]) -> None:
    assert not is_own([host], SOCKET)
    assert not is_own([host], "")


def test_a_request_has_one_name(options: dict[str, object]) -> None:
    assert not is_own([], SOCKET)
    assert not is_own(["localhost", "evil.example"], SOCKET)


def test_configured_names_come_in(options: dict[str, object]) -> None:
    options["browser.serverAddress"] = "lab.example"
    assert is_own(["lab.example:8501"], SOCKET)
    assert is_own(["localhost:8501"], SOCKET)
    options["server.allowedHosts"] = ["*.hall.example", "Lab"]
    for host, own in {"a.hall.example:80": True, "lab": True, "hall.example": False, "localhost": False}.items():
        assert is_own([host], SOCKET) == own
        assert starlette_websocket.is_host_allowed(host)  # Streamlit's own list is empty: it would take all of them
    options["server.allowedHosts"] = ["*"]
    assert is_own(["evil.example"], SOCKET)


def test_pages_of_strangers_names_are_refused(client: TestClient, options: dict[str, object]) -> None:
    assert client.get("/").text == "inside"
    reply = client.get("/", headers={"host": "evil.example"})
    assert (reply.status_code, "evil" in reply.text) == (403, False)
    assert stream(client, "evil.example", "http://evil.example") is None
    assert stream(client, "localhost:8501", "http://localhost:8501") == "http://localhost:8501"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3000", "http://[", "localhost:8501x"]
)
def test_other_sites_begin_nothing(origin: str, client: TestClient, options: dict[str, object]) -> None:
    assert stream(client, "localhost:8501", origin) is None
    assert client.put("/", headers={"origin": origin}).status_code == 403
    assert client.put("/", headers={"origin": "http://localhost:8501"}).text == "inside"


def test_an_allowed_origin_makes_streamlit_look_up_nothing(
    client: TestClient, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(net_util, "get_external_ip", lambda: asked.append(""))
    options["server.corsAllowedOrigins"] = ["https://lab.example"]
    passed = stream(client, "localhost:8501", "https://lab.example")
    assert passed is not None
    assert starlette_websocket._is_origin_allowed(None if passed == "None" else passed, "localhost:8501")
    assert asked == []
    assert not starlette_websocket._is_origin_allowed("https://other.example", "localhost:8501")
    assert asked == [""]  # what the guard is for: Streamlit alone would have asked


@pytest.mark.parametrize(
    ("headers", "here"),
    [
        ({}, True),  # a program
        ({"user-agent": "curl/8"}, True),
        ({"user-agent": "Mozilla/5.0"}, False),  # an image that hides whose it is
        ({"user-agent": "Mozilla/5.0", "referer": "http://localhost:8501/?model=x"}, True),
        ({"user-agent": "Mozilla/5.0", "referer": "http://evil.example/localhost:8501"}, False),
        ({"user-agent": "Mozilla/5.0", "sec-fetch-site": "same-origin"}, True),
        ({"user-agent": "Mozilla/5.0", "sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),  # another port
        ({"sec-fetch-site": "same-origin", "origin": "http://evil.example"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://localhost:8501"}, True),
        ({"referer": "http://evil.example"}, False),
    ],
)
def test_whose_page_asks(headers: dict[str, str], here: bool, options: dict[str, object]) -> None:
    assert is_asked_here(Headers({"host": "localhost:8501", **headers})) == here
