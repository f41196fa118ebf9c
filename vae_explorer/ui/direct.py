"""PyTorch's answer past Streamlit's rerun: a click asks here for its image, and reports to Streamlit afterwards.

A rerun reaches the screen through a queue, a script's start and a buffer in the frontend, and takes three times as
long as this. It comes all the same and says the same, so where this route is missing (a proxy, another server) the
page only becomes slower.
"""

from __future__ import annotations

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route


def routes() -> list[BaseRoute]:
    """Returns the route `answer`, beside the pages: they ask for it by a relative address."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return [Route(f"/{base}/answer".replace("//", "/"), _answer)]


def _answer(request: Request) -> Response:
    """Answers a view's link, as `Scene.said` does; Starlette runs it in a thread of its pool."""
    from vae_explorer.checkpoints import CheckpointError
    from vae_explorer.data import DataError
    from vae_explorer.ui import query  # here and not above: with torch, they would delay the server's start
    from vae_explorer.ui.scene import Scene

    asked = dict(request.query_params)
    try:
        scene = Scene(asked.get("model", ""))
    except (CheckpointError, DataError) as error:
        return PlainTextResponse(str(error), 404)
    view, messages = query.parse(asked, scene.limits)
    if messages:
        return PlainTextResponse(" ".join(messages), 400)
    return JSONResponse(scene.said(view), headers={"Cache-Control": "no-store"})
