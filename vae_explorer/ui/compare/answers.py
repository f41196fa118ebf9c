"""What Compare asks for past Streamlit's rerun: what PyTorch says of a point on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.data import DataError
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE
from vae_explorer.ui.compare.view import SIDES
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.state.words import Refused


def answer(question: Mapping[str, Any]) -> bytes:
    """Returns what both models make of a view.

    Arguments:
        question: `left` and `right` are models of the same data; the rest are values of the page's state. `n` comes
            back.

    Raises:
        Refused: If it is none of ours; the message names no file and no path.
    """
    names = [question.get(side) for side in SIDES]
    if not all(isinstance(name, str) for name in names):
        raise Refused("That is no question of ours.")
    try:
        left, right = (Scene(str(name)) for name in names)
        if left.config.data != right.config.data:
            raise Refused("These models are of different data.")
        duel = Duel(left, right)
        header, arrays = duel.said(STATE.asked(question, duel.limits, given=SIDES))
    except (CheckpointError, DataError) as error:  # the same words for each reason: the disk is nobody's business
        raise Refused("There is nothing to say of these models here.") from error
    return pack({"kind": question.get("kind"), "n": question.get("n"), **header}, arrays)
