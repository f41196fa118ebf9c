"""What pip calls to build a package of this folder: there is none, and an installation without one would do nothing.

The app is its folder: the pretrained models, Streamlit's settings and the pages are found beside each other.
https://peps.python.org/pep-0517/
"""

from __future__ import annotations

from typing import NoReturn

WHY = (
    "VAE Explorer runs from its folder and is not installed. In this folder, type: "
    "pip install -r requirements.txt, and then: streamlit run app.py"
)


def build_wheel(*_: object, **__: object) -> NoReturn:
    """Refuses."""
    raise SystemExit(WHY)


build_sdist = build_editable = prepare_metadata_for_build_wheel = prepare_metadata_for_build_editable = build_wheel
