"""What holds for every test."""

import os
from pathlib import Path

import pytest

# Before PyTorch is imported, here and in what a test starts: threads of two tests at once that wait for each
# other's cores take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With two workers one drives the browser, whose page and server fill a core, while the other does all else."""
    browser = Path(__file__).parent / "browser"
    for item in items:
        group = browser.name if browser in item.path.parents else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
