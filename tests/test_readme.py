"""README opens with an animation that is there, small and moving, and leads nowhere in vain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
ANIMATION = "docs/live.webp"
OPENS = "python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt && streamlit run app.py"
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]+))?\)")


def test_readme_opens_with_the_animation_two_sentences_and_the_line_that_opens_the_app() -> None:
    _, picture, sentences, *rest = (ROOT / "README.md").read_text().split("\n\n")
    found = PICTURE.fullmatch(picture)
    assert found, picture
    alt, path = found.groups()
    assert path == ANIMATION
    assert [word for word in ("pointer", "KL weight", "Compare", "gap") if word not in alt] == []
    assert len(re.findall(r"[.!?](?:\s|$)", sentences)) == 2
    assert f"    {OPENS}" in rest[:2]
    assert "python -m docs.animation" in rest[2]


def test_the_animation_is_small_moves_and_never_ends() -> None:
    path = ROOT / ANIMATION
    assert path.stat().st_size <= 3_000_000
    with Image.open(path) as film:
        assert film.format == "WEBP"
        assert film.width <= 900
        assert film.info["loop"] == 0
        frames: int = film.n_frames  # type: ignore[attr-defined]
        assert frames > 100  # those that are alike are one, and stay longer
        durations = []
        for k in range(frames):
            film.seek(k)
            film.load()
            durations.append(film.info["duration"])
    assert 1000 / 15 <= min(durations) <= 1000 / 12
    assert 12_000 <= sum(durations) <= 18_000


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/figures.md", "docs/design.md", "pretrained/README.md"]
)
def test_every_link_to_a_file_of_ours_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for path, heading in LINK.findall(text):
        target = (ROOT / page).parent / path
        assert target.exists(), path
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_every_picture_says_what_it_shows() -> None:
    for alt, path in PICTURE.findall((ROOT / "README.md").read_text()):
        assert len(alt) > 40, path
