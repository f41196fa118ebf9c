"""The C library can be told to keep memory, and says so."""

from __future__ import annotations

import ctypes
import resource
import subprocess
import sys

import pytest

from vae_explorer.training.allocator import keep_freed_memory

GLIBC = sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")

FAULTS = """
import resource, sys
from vae_explorer.training.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
import numpy as np
def faults():
    for _ in range(20):
        a, b, c = (np.ones(2_000_000) for _ in range(3))  # 16 MB each
        del a, b, c
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
print(faults() - before)
"""


@pytest.mark.skipif(not GLIBC, reason="only glibc can be told")
def test_kept_memory_is_not_asked_for_again() -> None:
    def faults(mode: str) -> int:
        done = subprocess.run([sys.executable, "-c", FAULTS, mode], capture_output=True, text=True, check=True)
        return int(done.stdout)

    pages = 3 * 16_000_000 // resource.getpagesize()
    assert faults("kept") < pages < faults("as it comes")


def test_another_system_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not keep_freed_memory()
