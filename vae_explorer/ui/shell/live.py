"""The live channel: a WebSocket beside Streamlit's, over which a page asks for what it needs now.

A rerun reaches the screen through a queue, a script's start and a buffer in the frontend, and takes three times as
long. It comes all the same, so where this route is missing (a proxy, another server) the page only becomes slower.

What is asked here needs no session, so it is bounded: pages of this server alone (`guard`), short questions, of models
in the list, one at a time a page and few at once, and of those that wait the newest of each kind alone: on overload,
older ones are dropped and not queued.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from vae_explorer.checked import Misfit, loads
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.shell.guard import beside_pages, is_asked_here
from vae_explorer.ui.state.words import Refused

DUEL = "duel"  # the kind that Compare asks
THEORY = "theory"  # what kinds that Theory asks begin with
LONGEST = 20_000  # characters of a question: a strip of points on a few hundred axes
KINDS = 8  # questions that may wait, one a kind
AT_WORK = 4  # questions that are answered at once
MOST = 1000  # pages that are listened to at once
FOREIGN, TOO_LONG, BUSY = 1008, 1009, 1013  # why a channel is closed, as RFC 6455 numbers it


def routes() -> list[BaseRoute]:
    """Returns the route `live`, beside the pages: they ask for it by a relative address."""
    return [WebSocketRoute(beside_pages("live"), Exchange().serve)]


class Exchange:
    """Takes questions of many pages, and answers so many at a time."""

    def __init__(self) -> None:
        self.workers = ThreadPoolExecutor(AT_WORK, "live")
        self.open = 0

    async def serve(self, socket: WebSocket) -> None:
        """Answers one page until it goes."""
        if not is_asked_here(socket.headers):
            await socket.close(FOREIGN)
            return
        if self.open >= MOST:
            await socket.close(BUSY)
            return
        await socket.accept()
        self.open += 1
        waiting: dict[str, str] = {}
        news = asyncio.Event()
        listening = asyncio.create_task(_listen(socket, waiting, news))
        try:
            with suppress(WebSocketDisconnect, RuntimeError):  # gone while it was answered
                await self._answer(socket, waiting, news, listening)
        finally:
            listening.cancel()
            self.open -= 1

    async def _answer(
        self, socket: WebSocket, waiting: dict[str, str], news: asyncio.Event, listening: asyncio.Task[None]
    ) -> None:
        while True:
            asked = asyncio.create_task(news.wait())
            await asyncio.wait((asked, listening), return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if listening.done():
                return
            news.clear()
            while waiting:
                text = waiting.pop(next(iter(waiting)))
                await socket.send_bytes(await asyncio.wrap_future(self.workers.submit(_answer, text)))


async def _listen(socket: WebSocket, waiting: dict[str, str], news: asyncio.Event) -> None:
    """Notes the newest question of each kind; what is of no kind is answered as one, with a refusal."""
    try:
        while True:
            text = await socket.receive_text()
            if len(text) > LONGEST:
                await socket.close(TOO_LONG)
                return
            kind, _, question = text.partition("\n")  # read before the question is: it is replaced as a whole
            if len(waiting) < KINDS or kind in waiting:
                waiting[kind] = question
                news.set()
    except (WebSocketDisconnect, KeyError, RuntimeError):  # gone; or it sent bytes, which no page of ours does
        return


def _answer(text: str) -> bytes:
    """Answers a question as the page does that asked it, or refuses it."""
    question: object = None
    try:
        question = _read(text)
        kind = question.get("kind")
        if isinstance(kind, str) and kind.startswith(f"{THEORY}."):
            from vae_explorer.ui.theory.answers import answer
        elif kind == DUEL:  # with either comes PyTorch, which a page's start is without
            from vae_explorer.ui.compare.answers import answer
        else:
            from vae_explorer.ui.explore.answers import answer
        return answer(question)
    except Refused as error:
        n = question.get("n") if isinstance(question, Mapping) else None
        return pack({"kind": "refused", "n": n if isinstance(n, int) else None, "why": str(error)}, {})


def _read(text: str) -> Mapping[str, Any]:
    """Returns a question as it was sent, or raises `Refused`."""
    try:
        return loads(text, dict[str, Any])
    except Misfit as error:
        raise Refused("That is no question.") from error
