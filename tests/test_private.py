"""What the app uses of PyTorch and Streamlit that they do not promise to keep. An update that fails here took one away:
the message names it, and the file that has to find another way."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit import config

from vae_explorer.training import private as of_torch
from vae_explorer.ui.shell import private as of_streamlit

ROOT = Path(__file__).parent.parent
STYLE = ROOT / "vae_explorer/ui/shell/page.css"


def test_pytorch_has_what_training_uses() -> None:
    where = "see vae_explorer/training/private.py"
    names = ("torch._foreach_norm", "torch._foreach_mul_", "torch.cpu._is_amx_tile_supported")
    gone = [name for name in names if not callable(_found(torch, name))]
    assert gone == [], f"PyTorch {torch.__version__} has no {', '.join(gone)} any more: {where}"
    assert isinstance(of_torch.has_tiles(), bool), where
    tensors = [torch.tensor([3.0, 4.0]), torch.tensor([[2.0]])]
    assert of_torch.norms(tensors).tolist() == [5.0, 2.0], f"torch._foreach_norm gives other norms: {where}"
    of_torch.scale(tensors, 0.5)
    assert [each.tolist() for each in tensors] == [[1.5, 2.0], [[1.0]]], (
        f"torch._foreach_mul_ does another thing: {where}"
    )
    plain, guarded = of_torch.add_param_group, torch.optim.Optimizer.add_param_group
    assert list(inspect.signature(plain).parameters) == ["self", "param_group"], f"add_param_group is another: {where}"
    assert "_dynamo" not in inspect.getsource(plain).split("def ")[1], f"it still imports the compiler: {where}"
    assert callable(guarded)


def test_pytorchs_functional_adamw_moves_as_its_class_does() -> None:
    where = (
        "torch.optim.adamw.adamw takes other arguments, or gives other weights: see vae_explorer/training/private.py"
    )
    settings = {"lr": 0.1, "weight_decay": 0.2, "eps": 1e-8}
    theirs = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    ours, gradient = theirs.detach().clone(), torch.tensor([0.5, -0.25, 2.0])
    oracle = torch.optim.AdamW([theirs], betas=(0.9, 0.99), **settings)  # type: ignore[arg-type]
    mean, square, step = torch.zeros(3), torch.zeros(3), torch.zeros(())
    for _ in range(3):
        theirs.grad = gradient.clone()
        oracle.step()
        try:
            of_torch.fused_adamw([ours], [gradient], [mean], [square], [step], beta1=0.9, beta2=0.99, **settings)
        except TypeError as error:
            pytest.fail(f"{where} ({error})")
    assert np.allclose(ours, theirs.detach(), atol=1e-6), where
    assert step.item() == 3, where


def test_streamlit_has_what_the_shell_uses() -> None:
    version = st.__version__
    for kind in (st.cache_data, st.cache_resource):
        cached = kind(show_spinner=False)(lambda: 1)
        said = f"Streamlit {version} keeps its caches elsewhere: see vae_explorer/ui/shell/private.py"
        assert of_streamlit.is_cached(cached), said
        assert callable(cached.clear), said
    assert not of_streamlit.is_cached(st.button)
    taken = inspect.signature(st.App).parameters
    assert {"routes", "middleware"} <= taken.keys(), f"st.App of Streamlit {version} takes no routes: see app.py"


def test_streamlit_knows_every_option_that_is_set_or_asked_for() -> None:
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    asked = {
        name
        for path in (ROOT / "vae_explorer/ui").rglob("*.py")
        for name in re.findall(r'"((?:server|browser)\.[a-zA-Z]+)"', path.read_text())
    }
    options = {
        f"{section}.{name}" for section, values in settings.items() if section != "theme" for name in values
    } | asked
    assert len(options) > 10
    unknown = sorted(options - config.get_config_options().keys())
    assert unknown == [], f"Streamlit {st.__version__} has no option {', '.join(unknown)}: see .streamlit/config.toml"


def test_streamlits_pages_have_the_parts_that_the_style_names() -> None:
    named = set(re.findall(r'\.(st[A-Z]\w+)|data-testid="(\w+)"', STYLE.read_text()))
    names = {one or other for one, other in named}
    assert len(names) > 12
    scripts = (Path(st.__file__).parent / "static/static/js").glob("*.js")
    known = {word for path in scripts for word in re.findall(r"\bst[A-Z]\w+", path.read_text(encoding="utf-8"))}
    gone = sorted(names - known)
    assert gone == [], (
        f"Streamlit {st.__version__} has no {', '.join(gone)} on its pages: see {STYLE.relative_to(ROOT)}"
    )


def _found(module: object, name: str) -> object:
    for part in name.split(".")[1:]:
        module = getattr(module, part, None)
    return module
