"""What a screen asks: over the live channel, and by the rerun where that is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.data import DataError
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.state.words import Refused, link
from vae_explorer.ui.theory.course import course
from vae_explorer.ui.theory.screen import MAIN, Arrays, Asked, Header, Screen, View

KIND = "theory"  # of a question, before a dot and the part's name


def answer(question: Mapping[str, Any]) -> bytes:
    """Returns what a part of a screen makes of a view.

    Arguments:
        question: `kind` is `theory.PART`; `screen`, `model` and the values of the screen's state; `more` is what the
            part asks beside it. `n` comes back.

    Raises:
        Refused: If it is none of ours; the message names no file and no path.
    """
    kind, name, model = (question.get(key) for key in ("kind", "screen", "model"))
    if not (isinstance(kind, str) and isinstance(name, str) and isinstance(model, str)):
        raise Refused("That is no question of ours.")
    screen = course().get(name)
    part = kind.removeprefix(f"{KIND}.")
    if screen is None or part not in screen.parts:
        raise Refused("That is no question of ours.")
    try:
        scene = Scene(model)
        view = screen.table.asked(question, scene.limits, given=("screen", "model"))
        header, arrays = said(screen, part, scene, view, question.get("more"))
    except (CheckpointError, DataError) as error:  # the same words for each reason: the disk is nobody's business
        raise Refused("There is nothing to say of this model here.") from error
    return pack({**header, "kind": kind, "n": question.get("n"), "link": link(screen.table.link(view))}, arrays)


def said(screen: Screen, part: str, scene: Scene, view: View, more: object = None) -> tuple[Header, Arrays]:
    """Returns what a part makes of a view, fit for the wire: a number that is not finite is none.

    Raises:
        Refused: If the screen cannot show the model, there are no images, or the part refuses what it is asked.
    """
    if not screen.fits(scene.config):
        raise Refused(f"This needs {screen.needed}.")
    if not scene.limits.images:
        raise Refused("The images of this model are not here.")
    header, arrays = screen.parts[part](Asked(scene, view, more if isinstance(more, Mapping) else {}))
    return {name: _finite(value) for name, value in header.items()}, arrays


def main(screen: Screen, scene: Scene, view: View) -> tuple[Header, Arrays]:
    """Returns what a screen opens with."""
    return said(screen, MAIN, scene, view)


def _finite(value: Any) -> Any:
    """Returns a JSON value without numbers that JSON has no word for."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
