"""What a user can take away from the Compare page."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vae_explorer import text
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import decode
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.view import DuelView

GAP = 28  # px between the two sides


def measures_csv(duel: Duel) -> str:
    """Returns one row a model, sampling distribution, KL weight and measure."""
    rows: list[tuple[object, ...]] = []
    for side in duel.sides:
        table = gap_store.gap_table(side.key)
        for sampling, measures in (table.scores if table else {}).items():
            for name, scores in measures.items():
                for beta, score in zip(table.beta if table else (), scores, strict=True):
                    if score:
                        figures = float(f"{score.value:.6g}"), float(f"{score.error:.3g}")
                        rows.append((side.name, sampling, float(f"{beta:g}"), name, *figures))
    return text.csv_file(["model", "sampling", "beta", "measure", "value", "standard_error"], rows)


def draws_png(duel: Duel, view: DuelView) -> bytes:
    """Returns the decoded draws of both sides, eight by eight each, left and right."""
    grids = []
    for side, beta, z in zip(duel.sides, duel.weights(view), duel.draws(view), strict=True):
        grids.append(PICTURES.sheet(PICTURES.levels(decode(side.checkpoint.arrays, z, beta))))
    gap = np.full((len(grids[0]), GAP, *grids[0].shape[2:]), 255, np.uint8)
    out = io.BytesIO()
    Image.fromarray(np.hstack([grids[0], gap, grids[1]])).save(out, "PNG")
    return out.getvalue()
