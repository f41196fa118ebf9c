"""What holds for every test."""

import ast
import os
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# Before PyTorch is imported, here and in what a test starts: threads of two tests at once that wait for each
# other's cores take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


class BrowserApart(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
    """One worker drives the browser, whose page and server fill a core, while others take file by file of the rest."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> BrowserApart:
    return BrowserApart(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "numeric: draws no page; tests/held_back runs it again")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _computes(item.path):
            item.add_marker("numeric")


def pytest_report_header() -> str:
    import torch

    capability, tiles = torch.backends.cpu.get_cpu_capability(), torch.cpu._is_amx_tile_supported()
    return f"processor: {capability}{' and AMX' * tiles}, {torch.get_num_threads()} threads for PyTorch"


@cache
def _computes(path: Path) -> bool:
    """Says whether a file's tests draw no page: whatever computes is among them."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    draws = ("streamlit", "playwright", "vae_explorer.ui")
    return not any(name.startswith(draws) for name in names)
