"""Minimum description length: a VAE as a code, in bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vae_explorer import data
from vae_explorer.data import DataError, evenly
from vae_explorer.data.modality import Levels
from vae_explorer.theory import coding
from vae_explorer.ui.shell import store
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.state.words import Refused
from vae_explorer.ui.theory.codecs import Whole
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

PLACES = range(13)  # binary places of z that the slider has
SIDE = 10  # images a side of the sheet
SAMPLES = 4  # of z, of each image of the sheet
COUNTED = 5_000  # training images whose grey levels are counted, at most


@dataclass(frozen=True, kw_only=True)
class View(Common):
    places: int = 6
    how: coding.Binarising = "draw"


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns what one image costs: bit by bit of z, and pixel by pixel."""
    view = asked.view
    sent = _sent(asked, np.array([view.image]))
    # the slider of the places asks again, and nothing of this depends on it
    back = _sent_back(asked.scene.key, sent.tobytes(), sent.shape, asked.beta, _sigma(asked), view.image, view.seed)
    names = ("places", "cost", "back", "residual", "error", "net")
    header: Header = {name: getattr(back, name).tolist() for name in names}
    header |= {"limit": back.limit, "sigma": _sigma(asked)}
    pixels = back.pixels.reshape(*back.pixels.shape[:2], -1).sum(2)
    return header, {"original": asked.pixels[view.image], "sent": sent[0], "bits": pixels.astype(np.float32)}


@lru_cache(maxsize=64)
def _sent_back(
    of: store.Key, sent: bytes, shape: tuple[int, ...], beta: float, sigma: float | None, image: int, seed: int
) -> coding.BitsBack:
    model, pixels = store.checkpoint(of).arrays, np.frombuffer(sent, np.uint8).reshape(shape)
    return coding.bits_back(model, pixels, beta, PLACES, sigma=sigma, image=image, seed=seed)


def sheet(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns bits an image, averaged over a sheet of many, by each coder."""
    view, sigma = asked.view, _sigma(asked)
    side = min(SIDE, int(len(asked.pixels) ** 0.5))
    chosen = evenly(np.arange(len(asked.pixels)), side * side)
    sent = _sent(asked, chosen)
    numbers = chosen.tolist()
    model = asked.checkpoint.arrays
    code = coding.code(model, sent, asked.beta, sigma=sigma, images=numbers, seed=view.seed, samples=SAMPLES)
    files = _files(sent.tobytes(), sent.shape, sigma is None)
    how = view.how if sigma is None else None
    counts = _counts(asked.scene.config.data, asked.scene.shown.fingerprint, how)
    coders = {
        "raw": coding.naive(sent, sigma is None) / len(sent),
        "levels": None if counts is None else float(coding.order_zero(sent, counts).mean()),
        "png": files.png / len(sent),
        "webp": files.webp / len(sent),
        "vae": float(code.total.mean()),
    }
    error = float(np.sqrt(np.square(code.error).sum()) / len(sent))
    return {
        "coders": coders,
        "rate": float(code.rate.mean()),
        "error": error,
        "images": len(sent),
        "values": sent[0].size,
        "sigma": sigma,
        "samples": SAMPLES,
    }, {}


def _sigma(asked: Asked[View]) -> float | None:
    try:
        return coding.noise_of(asked.checkpoint.arrays, asked.beta)
    except ValueError as error:
        raise Refused(str(error)) from error


def _sent(asked: Asked[View], images: NDArray[np.int64]) -> Levels:
    """Returns images as they are sent: grey levels by a Gaussian, black and white by a Bernoulli."""
    grey = asked.pixels[images]
    if asked.scene.config.likelihood != "bernoulli":
        return grey
    return coding.binarised(grey, asked.view.how, seed=asked.view.seed, images=images.tolist())


@lru_cache(maxsize=16)
def _files(pixels: bytes, shape: tuple[int, ...], black_and_white: bool) -> coding.Files:
    return coding.files(np.frombuffer(pixels, np.uint8).reshape(shape), black_and_white)


@lru_cache(maxsize=16)
def _counts(name: str, fingerprint: str, how: coding.Binarising | None) -> NDArray[np.int64] | None:  # noqa: ARG001  (of the images)
    """Returns how often each level occurs in training images; None where there are none here."""
    try:
        pixels = evenly(data.load(name, "train").pixels, COUNTED)
    except DataError:
        return None
    return coding.grey_levels(coding.binarised(pixels, how, seed=0, images=range(len(pixels))) if how else pixels)


SCREEN = Screen(
    name="bits",
    title="Bits",
    question="How many bits does it take to send an image?",
    prediction=Prediction(
        "A hundred of these images, sent at once. Whose file is the smallest?", ("PNG", "WebP, lossless", "The VAE’s")
    ),
    formula=(
        Term("cost", r"-\log_2 P(z)\,\delta^D", "the bits of z, each axis in cells of delta"),
        "+",
        Term("residual", r"-\log_2 P(X|z)", "the bits of the image once z is known"),
        "-",
        Term("back", r"-\log_2 Q(z|X)\,\delta^D", "the bits of another message that chose the cell, read off it again"),
        "=",
        Term("net", r"\frac{-\mathrm{ELBO}}{\log 2}", "the bits that are paid: the negative ELBO"),
    ),
    why=(
        "A message of probability p takes −log₂ p bits, and a nat is log₂ e = 1.44 of them. Send z, then the "
        "image given z. z is rounded to cells δ = 2⁻ᵏ wide; a place more on each of its D axes costs D bits.",
        "Which cell of Q(z|X) is taken is free, so other bits, to be sent anyway, choose it: about −log₂ Q(z|X)δᴰ"
        " of them. Who has read z and X can form Q and reads these bits off the cell: they come back. So δ "
        "cancels, and what is left is D[Q||P] plus the residual. Cells wider than Q are a coarser Q, for better "
        "or worse: the masses here are exact, not density times δ.",
        "Black and white: a model with a Bernoulli P(X|z) is no code for grey pixels. Its images are drawn once "
        "from their grey levels as chances, or cut in the middle, and its encoder sees just these, though it was "
        "trained on grey ones.",
        "Grey: a Gaussian P(X|z) gives each of 256 levels the mass of its bin; the ends take the tails. One σ for"
        " all pixels is what makes it dear: it pays several bits for the exact level of every pixel of a stroke.",
        "PNG (1 bit a pixel where it is black and white) and WebP are Pillow's files of one sheet of all images; "
        "WebP's strongest setting would be 1 % smaller. “Levels” is an entropy coder that knows the training "
        "part's levels and no places. The VAE's bits are its negative ELBO, which an arithmetic coder reaches to "
        "a few bits a message; its weights, like the program that reads a PNG, are with the receiver already.",
    ),
    sources=(
        Source("Hinton & van Camp (1993), bits back", "https://doi.org/10.1145/168304.168306"),
        Source("Townsend et al. (2019), bits back with ANS", "https://arxiv.org/abs/1901.04866"),
        Source("Doersch (2016), section 2.4.2", "https://arxiv.org/abs/1606.05908"),
    ),
    needs="vae",
    view=View,
    rows=(
        Row(name="places", codec=Whole(PLACES[0], PLACES[-1]), default=lambda _: 6),
        Row(name="how", codec=OneOf(("draw", "threshold"), usual="draw"), default=lambda _: "draw"),
    ),
    parts={"main": main, "sheet": sheet},
)
