"""That the numeric tests run on two processors: this one, and this one held back to what came before AVX-512."""

from __future__ import annotations

import os

import torch
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from vae_explorer.training import engine as training

HELD_BACK = "VAE_EXPLORER_HELD_BACK" in os.environ


def test_who_is_held_back_computes_with_less() -> None:
    """PyTorch's kernels, oneDNN's and OpenBLAS' say themselves what they use."""
    if HELD_BACK:
        assert torch.backends.cpu.get_cpu_capability() in {"AVX2", "DEFAULT"}
        blas = [each for each in threadpool_info() if each["internal_api"] == "openblas"]
        assert {each["architecture"] for each in blas} <= {"Haswell", "Zen"}
        assert not training.autocast("auto")._enabled
    else:
        assert "ATEN_CPU_CAPABILITY" not in os.environ
    assert torch.get_num_threads() == (2 if HELD_BACK else 1)


def test_bfloat16_is_chosen_where_tiles_multiply_it_and_nowhere_else() -> None:
    tiles = torch.cpu._is_amx_tile_supported() and torch.backends.cpu.get_cpu_capability() == "AVX512"
    assert training.autocast("auto")._enabled == tiles
    assert training.autocast("bfloat16")._enabled
    assert not training.autocast("float32")._enabled
