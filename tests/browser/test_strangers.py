"""The real server against strangers: other names, other sites' pages, and questions without end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, WebSocket

from tests.browser.conftest import Open

MODEL = "digits-vae-2d"
QUESTION = f"/answer?model={MODEL}&beta=1&z=0,0"


@pytest.fixture
def ask(server: str) -> Callable[..., tuple[int, str]]:
    """Sends a request letter by letter, and returns the answer's code and text."""
    address = urlsplit(server)

    def send(target: str, *headers: str) -> tuple[int, str]:
        with socket.create_connection((str(address.hostname), address.port or 80), timeout=20) as line:
            line.settimeout(20)
            last = () if any(each.startswith("Connection") for each in headers) else ("Connection: close",)
            line.sendall("\r\n".join([f"GET {target} HTTP/1.1", *headers, *last, "", ""]).encode())
            read = b""
            # An answer comes in as many pieces as it likes; a socket that was opened stays open after its head.
            while not (read.startswith(b"HTTP/1.1 101") and b"\r\n\r\n" in read) and (more := line.recv(65536)):
                read += more
            status, _, text = read.decode("utf-8", "replace").partition("\r\n\r\n")
            return int(status.split()[1]), text

    return send


def shake(origin: str) -> list[str]:
    """Returns the headers of a WebSocket's beginning."""
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    return ["Upgrade: websocket", "Connection: Upgrade", key, "Sec-WebSocket-Version: 13", f"Origin: {origin}"]


def test_a_session_needs_a_name_and_an_origin_of_its_own(ask: Callable[..., tuple[int, str]], server: str) -> None:
    own = urlsplit(server).netloc
    port = own.rpartition(":")[2]
    stream = "/_stcore/stream"
    assert ask(stream, f"Host: {own}", *shake(server))[0] == 101
    assert ask(stream, f"Host: localhost:{port}", *shake(f"http://localhost:{port}"))[0] == 101
    for host, origin in (
        ("evil.example", "http://evil.example"),
        (f"evil.example:{port}", f"http://evil.example:{port}"),
        (own, "http://evil.example"),
        (own, "http://localhost:1"),
        (own, "null"),
    ):
        assert ask(stream, f"Host: {host}", *shake(origin))[0] == 403
    for target in ("/", "/answer", "/_stcore/health", "/compare"):
        code, text = ask(target, "Host: evil.example")
        assert (code, "evil" in text) == (403, False)


def test_questions_are_bounded(ask: Callable[..., tuple[int, str]], server: str) -> None:
    own = f"Host: {urlsplit(server).netloc}"
    assert ask(QUESTION, own)[0] == 200
    assert ask(QUESTION, own, "Origin: http://evil.example")[0] == 403
    assert ask(QUESTION, own, "Referer: http://evil.example/")[0] == 403
    assert ask(QUESTION, own, "Sec-Fetch-Site: cross-site")[0] == 403
    assert ask(f"{QUESTION}&noise={'1,' * 10_000}", own)[0] == 414
    assert ask(f"/answer?model={MODEL}&pins={'1;' * 3000}", own)[0] == 400
    assert ask(f"/answer?{'&'.join(f'a{k}=1' for k in range(1000))}", own)[0] == 400
    refusals = [ask(f"/answer?model={path}&z=0,0", own) for path in ("/etc/passwd", "/etc/absent")]
    assert [(code, text.replace("absent", "passwd")) for code, text in refusals] == [refusals[0]] * 2
    assert refusals[0][0] == 404


@pytest.mark.parametrize("policy", ["", "no-referrer"])
def test_an_image_on_another_site_starts_no_work(policy: str, server: str, browser: Browser, tmp_path: Path) -> None:
    """The page lies under another name; the browser itself says so to the server."""
    page = browser.new_page()
    answers: list[int] = []
    network = page.context.new_cdp_session(page)  # tells a code where the page is not even told that there was one
    network.send("Network.enable")
    network.on("Network.responseReceivedExtraInfo", lambda reply: answers.append(reply["statusCode"]))
    (tmp_path / "page.html").write_text(f'<img referrerpolicy="{policy}" src="{server}{QUESTION}">')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page.goto(f"http://localhost:{other.server_port}/page.html")  # to a browser no relation of 127.0.0.1
        page.wait_for_function("() => document.images[0].complete")
        other.shutdown()
    assert answers == [200, 403]  # the page, and its image
    page.close()


def test_the_pages_own_clicks_are_answered_past_the_rerun(open_page: Open) -> None:
    channels: list[WebSocket] = []
    explorer = open_page(f"model={MODEL}", heard=lambda channel: channels.append(channel))
    explorer.until(lambda: any(channel.url.endswith("/live") for channel in channels))  # a kept view opens before it
    live = next(channel for channel in channels if channel.url.endswith("/live"))
    with live.expect_event("framereceived") as answered:
        explorer.click(120, 60)
    assert b'"decoded"' in answered.value
    explorer.until(lambda: "z" in explorer.query)
