"""Images of an upload or a data set, each with the name of its file, as HTML."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vae_explorer import text
from vae_explorer.data import Images, own
from vae_explorer.data.own import Choices, Upload
from vae_explorer.ui.shell import messages

ACROSS = 10  # images of each class
ALONE = 60  # images where there are no classes


def strip(images: NDArray[np.uint8], files: Sequence[str]) -> str:
    """Returns images `(N, H, W)` or `(N, H, W, 3)` beside each other; their files are told on hovering."""
    names = [text.html(file, 200) for file in files] or [f"image {k}" for k in range(1, len(images) + 1)]
    return "".join(
        f'<img src="data:image/png;base64,{messages.picture(image)}" alt="{name}" title="{name}">'
        for image, name in zip(images, names, strict=True)
    )


def some(images: Images, most: int) -> str:
    """Returns so many images at most, from all over a part."""
    count = len(images.pixels)
    rows = np.linspace(0, count - 1, min(most, count)).round().astype(int)
    files = [images.files[k] for k in rows] if images.files else []
    return f'<div class="strip">{strip(images.pixels[rows], files)}</div>'


def by_class(upload: Upload, choices: Choices) -> str:
    """Returns random images of each class as they would be kept, or of all where there are no classes."""
    rows = []
    labelled = upload.names != own.UNLABELLED
    for label, name in enumerate(upload.names):
        (found,) = np.nonzero(upload.labels == label)
        chosen = np.sort(np.random.default_rng(label).permutation(found)[: ACROSS if labelled else ALONE])
        files = [upload.files[k] for k in chosen] if upload.files else []
        head = f"<span>{text.html(name)} <small>{len(found):,}</small></span>" if labelled else ""
        rows.append(f"{head}<div>{strip(own.transformed(upload.pixels[chosen], choices), files)}</div>")
    return f'<div class="previews{"" if labelled else " alone"}" tabindex="0">{"".join(rows)}</div>'
