"""What holds for every test."""

import atexit
import os
import tempfile

import hypothesis
import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# Before PyTorch is imported, here and in what a test starts: threads of two tests at once that wait for each
# other's cores take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What the app keeps for its next start goes to a folder of the tests: the first process makes it, the others take it.
_CACHE = tempfile.TemporaryDirectory(prefix="vae-explorer-tests-")
os.environ.setdefault("XDG_CACHE_HOME", _CACHE.name)
atexit.register(_CACHE.cleanup)


# A run repeats the one before, and a busy machine fails nothing.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.load_profile("suite")


class BrowserApart(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
    """One worker drives the browser, whose page and server fill a core, while others take file by file of the rest."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> BrowserApart:
    return BrowserApart(config, log)


def pytest_report_header() -> str:
    import torch

    from vae_explorer.training.private import has_tiles

    capability, tiles = torch.backends.cpu.get_cpu_capability(), has_tiles()
    return f"processor: {capability}{' and AMX' * tiles}, {torch.get_num_threads()} threads for PyTorch"
