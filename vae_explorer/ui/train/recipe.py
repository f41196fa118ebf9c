"""The Train page's widgets: from choices to an order."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar, cast, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer import data, text
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import Backbone, ConfigError, Kind, Likelihood, ModelConfig, TrainingConfig
from vae_explorer.jobs import jobs
from vae_explorer.jobs.records import Order
from vae_explorer.models.autoencoder import parameters
from vae_explorer.ui.shell import say

T = TypeVar("T")

KIND_NAMES: dict[Kind, str] = {
    "multi-rate": "VAE, all weights",
    "vae": "VAE, one weight",
    "autoencoder": "Autoencoder",
}
KINDS: dict[Kind, str] = {
    "multi-rate": "One network for a whole range of KL weights (multi-rate): its slider moves the map live.",
    "vae": "A VAE at the one KL weight that you set.",
    "autoencoder": "Deterministic: no prior and no rate. The page Compare measures the gaps between its codes.",
}
LIKELIHOOD_NAMES: dict[Likelihood, str] = {
    "bernoulli": "Bernoulli",
    "continuous-bernoulli": "Continuous Bernoulli",
    "gaussian": "Gaussian, fixed",
    "gaussian-learned": "Gaussian, learned",
}
LIKELIHOODS: dict[Likelihood, str] = {
    "bernoulli": "Each pixel is a grey level between black and white; the usual choice.",
    "continuous-bernoulli": "The same, normalised over grey levels: a density.",
    "gaussian": "Squared error, at a fixed standard deviation.",
    "gaussian-learned": "Squared error, with a standard deviation that is learned.",
}
AXES = {
    1: "One axis: codes on a line.",
    2: "Two axes: all of it is seen on the map.",
    3: "More axes explain more of an image; the map shows the first two.",
}
BACKBONES: dict[Backbone, str] = {
    "dense": "Dense layers: fast here.",
    "convolutional": "Convolutions: fewer numbers to learn, slower here.",
}
MISTAKE = (
    "The famous mistake: the distortion is averaged over the pixels, the KL is summed over the axes. "
    "Only the loss that is trained changes; the figures shown stay in nats per image."
)
Widths = tuple[int, ...]

# What suits so many training images, at least.
DENSE: tuple[tuple[int, tuple[Widths, Widths]], ...] = (
    (20_000, ((512, 384, 384), (384,) * 5)),
    (4_000, ((256, 128, 128), (128,) * 4)),
    (0, ((128, 128, 64), (64, 128, 128))),
)
CHANNELS = (32, 64)
SETTINGS = (
    (20_000, TrainingConfig(epochs=8, learning_rate=2e-3, noise=0.2)),  # a minute or two, for a lecture
    (4_000, TrainingConfig(epochs=40, batch=100)),
    (0, TrainingConfig(epochs=100, batch=50, learning_rate=2e-3, weight_decay=0.1)),
)


def choose() -> tuple[str, Order] | None:
    """Shows the choices; returns a name and what to train under it, or None where they cannot work."""
    notice = st.container()
    left, right = st.columns(2)
    name = _data(left, notice)
    if name is None:
        return None
    kind = right.selectbox(
        "Model", list(KINDS), key="train_kind", format_func=KIND_NAMES.__getitem__, help=_choices(KIND_NAMES, KINDS)
    )
    st.caption(KINDS[kind])
    beta = 1.0
    if kind == "vae":
        beta = float(st.number_input("KL weight", 0.0, 1000.0, 1.0, format="%g", key="train_beta"))
    left, right = st.columns(2)
    latent = int(right.number_input("Latent axes", 1, 64, 2, key="train_latent"))
    shape, count, source = _outline(name)
    settings = _suited(SETTINGS, count)
    epochs = int(left.number_input("Epochs", 1, 10_000, settings.epochs, key=f"train_epochs_{name}"))
    backbone = cast(
        Backbone, left.selectbox("Backbone", get_args(Backbone), key="train_backbone", format_func=str.capitalize)
    )
    likelihood = right.selectbox(
        "Likelihood",
        list(LIKELIHOODS),
        key="train_likelihood",
        format_func=LIKELIHOOD_NAMES.__getitem__,
        help=_choices(LIKELIHOOD_NAMES, LIKELIHOODS),
    )
    st.caption(f"{AXES[min(latent, 3)]} {BACKBONES[backbone]} {LIKELIHOODS[likelihood]}")
    mistake = kind != "autoencoder" and _mistake(beta, math.prod(shape))
    try:
        model = replace(propose(name, kind, backbone)[0], latent=latent, likelihood=likelihood, beta=beta)
    except ConfigError as error:
        say.error(error)
        return None
    st.caption(f"{parameters(model):,} parameters · {count:,} images", help=say.plain(source))
    chosen = str(st.text_input("Name", _free_name(name, kind), key=f"train_name_{name}_{kind}_{len(jobs.find_all())}"))
    training = replace(settings, epochs=epochs, reduction="mean" if mistake else "sum")
    return chosen, Order(model=model, training=training, command=_command(chosen, model, training))


def _data(place: DeltaGenerator, notice: DeltaGenerator) -> str | None:
    """Shows the choice of a data set. One that is gone is said to be, and no other takes its place unasked."""
    usable = [each for each in data.names() if data.available(each)]
    if st.session_state.get("train_data") not in (None, *usable):  # deleted elsewhere
        st.session_state.train_gone = st.session_state.pop("train_data")
    wanted = st.session_state.get("train_gone") or st.query_params.get("data") or usable[0]
    first = usable.index(wanted) if wanted in usable else None
    name = place.selectbox("Data", usable, first, key="train_data", placeholder="Choose another")
    if name is not None:
        st.session_state.pop("train_gone", None)
        return str(name)
    why = "is not downloaded yet" if wanted in data.DATASETS else "is gone"
    notice.warning(
        f"The data set {text.markdown(str(wanted))} {why}. Choose another below, or add it on the page Data."
    )
    return None


def example() -> tuple[str, Order]:
    """Returns a run for those who have none yet: small, and done in about half a minute."""
    model, training = propose("digits", "multi-rate")
    name = _free_name("digits", "example")
    training = replace(training, epochs=40)
    return name, Order(model=model, training=training, command=_command(name, model, training))


def propose(name: str, kind: Kind, backbone: Backbone = "dense") -> tuple[ModelConfig, TrainingConfig]:
    """Returns what the page proposes for a data set.

    Raises:
        ConfigError: If the images are too small for the backbone.
    """
    shape, count, _ = _outline(name)
    encoder, decoder = _suited(DENSE, count) if backbone == "dense" else (CHANNELS, CHANNELS[::-1])
    model = ModelConfig(kind=kind, data=name, shape=shape, backbone=backbone, encoder=encoder, decoder=decoder)
    return model, _suited(SETTINGS, count)


def _mistake(beta: float, pixels: int) -> bool:
    """Shows the switch of the famous mistake, and what it does in one line."""
    wanted = st.toggle("Pixel mean instead of sum", key="train_mean", help=MISTAKE)
    if wanted:
        st.caption(
            f"The loss averages over {pixels:,} pixels and sums the KL: "
            f"a KL weight of {beta:g} acts as {beta * pixels:,.4g}."
        )
    return wanted


@st.cache_data(max_entries=16, show_spinner=False)
def _outline(name: str) -> tuple[tuple[int, ...], int, str]:
    """Returns the shape, number and source of a data set's training images."""
    images = data.load(name, "train")
    return images.pixels.shape[1:], len(images.pixels), images.source


def _choices(names: Mapping[T, str], meanings: Mapping[T, str]) -> str:
    """Returns what each choice means, as a list."""
    return "\n".join(f"* **{name}**: {meanings[choice]}" for choice, name in names.items())


def _suited(rows: Sequence[tuple[int, T]], count: int) -> T:
    """Returns the first row's choice for so many training images."""
    return next(choice for least, choice in rows if count >= least)


def _free_name(name: str, kind: str) -> str:
    taken = {entry.name for entry in checkpoints.list_all()} | {job.name for job in jobs.find_all()}
    stem = f"my-{name}-{kind}"
    return next(each for each in (stem, *(f"{stem}-{k}" for k in range(2, 1000))) if each not in taken)


def _command(name: str, model: ModelConfig, training: TrainingConfig) -> str:
    """Returns the command that trains the same."""
    default, usual = ModelConfig(kind=model.kind, data=model.data, shape=model.shape), TrainingConfig()
    options = [("name", name), ("data", model.data), ("kind", model.kind)]
    for values, usually in ((model.to_json(), default.to_json()), (training.to_json(), usual.to_json())):
        for field, value in values.items():
            if value != usually[field]:
                text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
                options.append((field.replace("_", "-"), text))
    return "python -m vae_explorer train " + shlex.join(part for key, text in options for part in (f"--{key}", text))
