"""Libraries of the browser that come with the program, beside the pages: no network is needed, and none is asked.

KaTeX 0.19.1 (MIT), `canvas/katex/`: the files of its npm package as they are, of its fonts those that browsers of our
floor read. Streamlit has one of its own, but as a chunk whose name changes with each version.
"""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from vae_explorer.ui.shell.guard import beside_pages

KATEX = Path(__file__).parents[1] / "canvas" / "katex"


def routes() -> list[BaseRoute]:
    """Returns the route `katex`, beside the pages."""
    return [Mount(beside_pages("katex"), StaticFiles(directory=KATEX))]
