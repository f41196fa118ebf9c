"""What the map asks for past Streamlit's rerun: what PyTorch says of a point, and pictures of others.

A question names a model, the images that it is shown with, a KL weight and points, in the words of the page's state;
what does not fit there is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.data import ALL, DataError
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import decode
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE, View
from vae_explorer.ui.shell.store import PART
from vae_explorer.ui.state.words import Refused


def answer(question: Mapping[str, Any]) -> bytes:
    """Returns the message that answers a question.

    Arguments:
        question: `kind` is one of `KINDS`; `model`, `part`, `beta` and what the kind asks about. `n` comes back.

    Raises:
        Refused: If it is none of ours; the message names no file and no path.
    """
    kind, name, part = (question.get(key) for key in ("kind", "model", "part"))
    if not (isinstance(kind, str) and kind in KINDS and isinstance(name, str) and part in (PART, ALL)):
        raise Refused("That is no question of ours.")
    try:
        scene = Scene(name, part)
        view = STATE.asked(question, scene.limits, given=("model", "part"))
        header, arrays = KINDS[kind](scene, view)
    except (CheckpointError, DataError) as error:  # the same words for each reason: the disk is nobody's business
        raise Refused("There is nothing to say of this model here.") from error
    return pack({"kind": kind, "n": question.get("n"), **header}, arrays)


def _point(scene: Scene, view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    """All that the page shows of a point."""
    return {"said": scene.said(view)}, {}


def _pins(scene: Scene, view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    """The strip's pictures."""
    return {"pins": scene.pictures(view)}, {}


def _hover(scene: Scene, view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    """The grey levels that the point decodes to, for decoders that the page cannot run itself."""
    z = np.array([scene.z(view)], np.float32)
    grey = PICTURES.levels(decode(scene.checkpoint.arrays, z, scene.weight(view))[0])
    return {}, {"grey": np.ascontiguousarray(grey.ravel())}


KINDS = {"point": _point, "pins": _pins, "hover": _hover}
