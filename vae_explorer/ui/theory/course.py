"""The screens in the order of a lecture: what P(X) is and why it is hard, the bound, its training, what it buys."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from vae_explorer.ui.theory import screens
from vae_explorer.ui.theory.screen import Screen

ORDER = (
    *("ring", "mle", "likelihood", "bayes", "identity", "kl"),
    *("reparameterization", "gradient", "iwae", "sigma", "bits"),
)


@cache
def course() -> dict[str, Screen]:
    """Returns all screens by name, in their order."""
    return {name: import_module(f"{screens.__name__}.{name}").SCREEN for name in ORDER}
