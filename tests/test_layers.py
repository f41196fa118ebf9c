"""Imports go one way: each layer uses only what stands above it in the design."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "vae_explorer"

# From top to bottom; a layer may import itself and all that stands before it.
LAYERS = (
    "checked",
    "config",
    "text",
    "disk",
    "data",
    "latent",
    "models",
    "training",
    "checkpoints",
    "measured",
    "theory",
    "jobs",
    "commands",
    "figures",
    "ui",
    "__main__",
)
# Libraries that stay where they belong: layers, or single files of one.
HOMES = {
    "streamlit": {"ui"},
    "plotly": {"figures"},
    "msgspec": {"checked"},
    "torch": {
        "data/torchvision_cpu.py",
        *("models", "training", "checkpoints", "latent", "measured", "theory"),
        *("jobs/runs.py", "jobs/estimates.py"),  # what lists and follows runs does without
    },
}
LONGEST = 350  # lines of a file: more is two things
# Figures are drawn from arrays: no layer that brings torch along.
FIGURES_MAY_USE = {"config", "text", "figures"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            module = str(node.module)
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == PACKAGE else (module,)


def complaints(package: Path) -> list[str]:
    """Returns one line for each import that runs the wrong way."""
    found = []
    for path in sorted(package.rglob("*.py")):
        layer = path.relative_to(package).parts[0].removesuffix(".py")
        if layer == "__init__":
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == PACKAGE and len(parts) > 1 and LAYERS.index(parts[1]) > LAYERS.index(layer):
                found.append(f"{path}: {layer} imports {parts[1]}")
            elif layer == "figures" and parts[0] == PACKAGE and parts[1:] and parts[1] not in FIGURES_MAY_USE:
                found.append(f"{path}: figures imports {parts[1]}, and torch with it")
            if not {layer, path.relative_to(package).as_posix()} & HOMES.get(parts[0], {layer}):
                found.append(f"{path}: {parts[0]} does not belong in {layer}")
    return found


def test_every_import_runs_the_right_way() -> None:
    assert complaints(ROOT / PACKAGE) == []
    assert {path.name for path in ROOT.glob("*.py")} == {"app.py"}
    assert all(name.startswith(("streamlit", f"{PACKAGE}.ui", "__future__")) for name in imports(ROOT / "app.py"))


def test_every_room_says_what_lives_in_it_and_few_stand_beside_each_other() -> None:
    package = ROOT / PACKAGE
    rooms = [path for path in package.rglob("*") if path.is_dir() and any(path.glob("*.py"))]
    silent = [room for room in rooms if not ast.get_docstring(ast.parse((room / "__init__.py").read_text()))]
    assert silent == []
    assert len([path for path in package.iterdir() if path.name != "__pycache__"]) <= 18


def _private(path: Path) -> Iterator[str]:
    """Yields what a file takes of Streamlit and PyTorch that begins with `_`, or is Streamlit's inside."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            whole = ast.unparse(node)
            if whole.startswith(("torch.", "st.", "streamlit.")):
                yield whole
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("streamlit."):
            yield node.value
    for name in imports(path):
        parts = name.split(".")
        inside = parts[:1] == ["streamlit"] and len(parts) > 1 and name != "streamlit.delta_generator"
        if inside or (parts[0] == "torch" and any(part.startswith("_") for part in parts)):
            yield name


def test_what_libraries_do_not_promise_is_used_in_one_file_of_each() -> None:
    package = ROOT / PACKAGE
    found = {path.relative_to(package).as_posix(): set(_private(path)) for path in package.rglob("*.py")}
    assert {file for file, names in found.items() if names} == {"training/private.py", "ui/shell/private.py"}


def test_no_file_is_long() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for end in ("py", "js")
        for path in (ROOT / PACKAGE).rglob(f"*.{end}")
    }
    assert len(lengths) > 150
    assert {file: lines for file, lines in lengths.items() if lines > LONGEST} == {}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("models/autoencoder.py", "import streamlit"),
        ("disk/files.py", "from vae_explorer.data.images import Images"),
        ("jobs/jobs.py", "import torch"),
        ("config.py", "from vae_explorer import models"),
        ("latent/paths.py", "from vae_explorer.ui.shell.store import anything"),
        ("figures/map.py", "import torch.nn"),
        ("figures/map.py", "from vae_explorer.latent.encoding import Encoding"),
        ("training/engine.py", "from plotly import graph_objects"),
        ("ui/shell/store.py", "import torch"),
        ("config.py", "from torch import Tensor"),
        ("jobs/records.py", "import msgspec"),
    ],
)
def test_an_import_that_runs_the_wrong_way_is_found(file: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"def f():\n    {line}\n")
    assert len(complaints(tmp_path)) == 1
