"""PyTorch's answer to one HTTP request, for scripts: `curl 'localhost:8501/answer?model=mnist-vae-2d&image=3'`.

It says what the live channel says to pages (`live`), and none of them asks here. What is asked needs no session, so it
is bounded: by this server's own pages and programs without a page alone (`guard`), short, of models in the list, few at
a time, and nothing that takes longer the more KL weights are asked for (`nearest`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from vae_explorer.ui.shell.guard import FOREIGN, beside_pages, is_asked_here

LONGEST = 8000  # characters of a question: a point and a draw of a few hundred axes
ASKED = ("model", "beta", "image", "z", "noise", "part")
AT_WORK = 4  # questions that are answered at once
WAITING = 64  # questions at once, those that wait with them
PATIENCE = 3.0  # seconds that one may wait
BUSY = "Too many questions at once: ask again.\n"


def routes() -> list[BaseRoute]:
    """Returns the route `answer`, beside the pages."""
    return [Route(beside_pages("answer"), Desk().answer)]


class Desk:
    """Takes questions, so many at a time."""

    def __init__(self) -> None:
        self.workers = ThreadPoolExecutor(AT_WORK, "answer")
        self.taken = 0

    async def answer(self, request: Request) -> Response:
        """Answers a view's link, as `Scene.said` does."""
        if not is_asked_here(request.headers):
            return _refusal(FOREIGN, 403)
        if len(request.scope["query_string"]) > LONGEST:
            return _refusal("The question is too long.\n", 414)
        asked = request.query_params.multi_items()
        if wrong := _wrong(asked):
            return _refusal(wrong, 400)
        if self.taken >= WAITING:
            return _refusal(BUSY, 503)
        self.taken += 1
        try:
            return await asyncio.wrap_future(self.workers.submit(_answer, dict(asked), time.monotonic() + PATIENCE))
        finally:
            self.taken -= 1


def _wrong(asked: Sequence[tuple[str, str]]) -> str:
    """Says what of a question is not one of ours, or nothing."""
    names = [name for name, _ in asked]
    fits = len(set(names)) == len(names) and set(names) <= set(ASKED)
    return "" if fits else f"A question names each of these once at most, and nothing else: {', '.join(ASKED)}.\n"


def _answer(asked: Mapping[str, str], until: float) -> Response:
    if time.monotonic() > until:
        return _refusal(BUSY, 503)
    from vae_explorer.checkpoints.files import CheckpointError
    from vae_explorer.data import ALL, DataError
    from vae_explorer.ui.explore.scene import Scene
    from vae_explorer.ui.explore.state import parse
    from vae_explorer.ui.shell.store import PART
    from vae_explorer.ui.state.words import quoted

    name = asked.get("model", "")
    if asked.get("part", PART) not in (PART, ALL):
        return _refusal(f"The images are {PART} or {ALL}.\n", 400)
    try:
        scene = Scene(name, asked.get("part", PART))
    except (CheckpointError, DataError):  # the same words for each reason: who asks here learns nothing of the disk
        return _refusal(f"There is no model “{quoted(name)}” to show.\n", 404)
    view, messages = parse(asked, scene.limits)
    if messages:
        return _refusal(" ".join(messages), 400)
    try:
        return JSONResponse(scene.said(view), headers={"Cache-Control": "no-store"})
    except (CheckpointError, DataError):  # no finite numbers, or deleted meanwhile
        return _refusal(f"Nothing can be said of “{quoted(name)}” here.\n", 404)


def _refusal(words: str, code: int) -> Response:
    return PlainTextResponse(words, code, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
