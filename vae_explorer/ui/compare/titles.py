"""What stands over the two maps: what each model was trained for, and what was done to it besides."""

from __future__ import annotations

from vae_explorer.checkpoints.files import Provenance
from vae_explorer.config import ModelConfig
from vae_explorer.ui.compare.view import SIDES

AUTOENCODER = "Autoencoder: trained only to copy"
VAE = "VAE: trained to copy and to fill N(0, I)"


def title(config: ModelConfig) -> str:
    """Returns what a model was trained for, as the back row reads it."""
    if config.kind == "autoencoder":
        return AUTOENCODER
    return VAE if config.kind == "multi-rate" or config.beta == 1 else f"{VAE}, KL weight {config.beta:g}"


def done_to(provenance: Provenance) -> str:
    """Says what a model was trained with beside its objective: noise and weight decay, or neither."""
    training = provenance.training
    noise = f"noise {training.noise:g} on its input" if training.noise else "no noise"
    decay = f"weight decay {training.weight_decay:g}" if training.weight_decay else "no weight decay"
    return f"{noise}, {decay}"


def heading(side: str, words: str) -> str:
    """Returns a title in the colour of its side, as HTML; the words are ours."""
    return f'<h2 class="side {side}">{words}</h2>'


def training(provenances: tuple[Provenance, Provenance]) -> str:
    """Returns what was done to whom, as HTML: one line a side, or one for both."""
    left, right = map(done_to, provenances)
    if left == right:
        return f'<p class="done">Both were trained with {left}.</p>'
    lines = (f'<br><span class="side {side}">{words}</span>' for side, words in zip(SIDES, (left, right), strict=True))
    return f'<p class="done">Beside their objectives, they were trained with{"".join(lines)}</p>'
