"""Damaged and lying files: refused in words, or they mean what they meant before. `benchmarks.fuzz` tries more."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fuzz
from benchmarks._mutations import mutants
from vae_explorer.checkpoints import checkpoints, digests

COUNTS = {"checkpoint": 2_000, "old checkpoint": 400, "curve": 250, "gap table": 250}  # of other targets 500


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_every_damaged_file_is_refused_or_means_the_same(name: str, tmp_path: Path) -> None:
    target = fuzz.TARGETS[name](tmp_path)
    found = list(fuzz.outcomes(target, COUNTS.get(name, 500), seed=0))
    assert [each for each in found if each.what not in (fuzz.REFUSED, fuzz.SAME)] == []
    assert {each.kind for each in found} == set(target.kinds)
    assert target.opened(target.content) == fuzz.SAME, "the file itself still opens"


def test_the_damage_would_be_seen_if_the_program_let_it_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the digest's judgement, most changed weights and many changed figures are taken for the real ones."""
    monkeypatch.setattr(checkpoints, "digest", lambda *_: "0" * 64)
    monkeypatch.setattr(digests, "of_values", lambda _: "0" * 64)
    for name in ("checkpoint", "curve", "gap table"):
        found = list(fuzz.outcomes(fuzz.TARGETS[name](tmp_path), 200, seed=0))
        wrong = [each for each in found if each.what not in (fuzz.REFUSED, fuzz.SAME)]
        assert len(wrong) > 5, name
        assert all("other" in each.what for each in wrong), "and nothing but our own errors is raised"


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    target = fuzz.TARGETS["curve"](tmp_path)
    first, again, other = (list(mutants(target.content, target.kinds, 30, seed)) for seed in (1, 1, 2))
    assert first == again
    assert [each.content for each in first] != [each.content for each in other]
