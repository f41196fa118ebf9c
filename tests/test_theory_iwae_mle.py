"""The screens on more draws and on maximum likelihood: controls, and what their parts answer, by other computations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from tests.test_explore import PROVENANCE, runs, sent
from tests.test_theory_page import ask, said, theory
from tests.test_theory_training import legendre
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.marginal import log_marginal, make_grid
from vae_explorer.models.autoencoder import build
from vae_explorer.theory import likelihood_over_training as over_training
from vae_explorer.theory import training_states
from vae_explorer.ui.theory.screens import iwae, mle

__all__ = ["runs"]  # a fixture

MODEL = "digits-vae-2d"


def about_iwae(part: str, **question: Any) -> dict[str, Any]:
    return ask(kind=f"theory.{part}", screen="iwae", model=question.pop("model", MODEL), **question)


def about_mle(part: str, **question: Any) -> dict[str, Any]:
    return ask(kind=f"theory.{part}", screen="mle", model=MODEL, **question)


def log_weights(z: np.ndarray, image: int, beta: float) -> np.ndarray:
    """In float64, by PyTorch's own distributions."""
    model = checkpoints.load(checkpoints.named(MODEL)).model.double()
    x = torch.from_numpy(PICTURES.normalised(data.load("digits", "test").pixels[image : image + 1])).double()
    at, betas = torch.from_numpy(np.asarray(z, np.float64).reshape(-1, 2)), torch.tensor([beta]).double()
    with torch.no_grad():
        q = model.posterior(x, betas)
        normal = torch.distributions.Normal
        log_w = model.likelihood(at, betas.expand(len(at))).log_prob(x.expand(len(at), -1, -1))
        log_w += normal(0.0, 1.0).log_prob(at).sum(1) - normal(q.mean, q.stddev).log_prob(at).sum(1)
    return np.asarray(log_w.numpy())


# More draws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("image", "beta", "pool"), [(0, 1, 0), (18, 0.1, 3)])
def test_draws_come_with_their_weights(image: int, beta: float, pool: int) -> None:
    reply = about_iwae("draws", image=image, beta=beta, seed=4, more={"pool": pool})
    weights = reply["base"] + np.asarray(reply["logWeights"], np.float64)
    assert weights == pytest.approx(log_weights(reply["z"], image, beta), abs=3e-3)
    assert (reply["pool"], reply["size"], len(weights)) == (pool, 1024, 1024)
    assert reply["about"] == pytest.approx([image, beta, 4])
    standardised = (np.asarray(reply["z"]).reshape(-1, 2) - reply["mean"]) / reply["std"]
    assert np.abs(standardised.mean(0)).max() < 4 / math.sqrt(1024)
    assert standardised.std(0) == pytest.approx([1, 1], abs=0.1)
    assert (np.asarray(reply["pixels"]).reshape(8, 8) == data.load("digits", "test").pixels[image]).all()


def test_the_limit_is_that_of_another_rule_and_the_field_is_the_posterior() -> None:
    reply = about_iwae("limit", image=18, beta=0.3)
    checkpoint = checkpoints.load(checkpoints.named(MODEL))
    pixels = data.load("digits", "test").pixels[18:19]
    grid = log_marginal(checkpoint.arrays, pixels, 0.3, make_grid(896, 6)).log_p[0]
    assert reply["logPx"] == pytest.approx(grid, abs=5e-3)
    left, right, bottom, top = reply["extent"]
    field = about_iwae("field", image=18, beta=0.3)
    density = np.asarray(field["density"]).reshape(iwae.SIDE, iwae.SIDE)
    assert field["extent"] == reply["extent"]
    assert density.max() == 1
    cells = [np.unravel_index(k, density.shape) for k in (density.argmax(), 100, 2000)]
    step = (right - left) / iwae.SIDE
    z = np.array([[left + (column + 0.5) * step, top - (row + 0.5) * step] for row, column in cells])
    x = torch.from_numpy(PICTURES.normalised(pixels)).double()
    likelihood = checkpoint.model.double().likelihood(torch.from_numpy(z), torch.full((3,), 0.3).double())
    joint = likelihood.log_prob(x.expand(3, -1, -1)).detach().numpy() - 0.5 * (z**2).sum(1)
    assert [density[cell] for cell in cells] == pytest.approx(np.exp(joint - joint[0]).tolist(), abs=1e-3)
    assert right - left == pytest.approx(top - bottom)
    # all of the posterior lies inside: its sum over the cells, with its scale, is one
    share = density.sum() * step**2 * math.exp(joint[0] - math.log(2 * math.pi) - reply["logPx"])
    assert share == pytest.approx(1, abs=0.02)
    assert 0 <= reply["beyond"] <= 1


def test_images_are_ranked_by_what_is_missing() -> None:
    reply = about_iwae("scan", more={"number": 7})
    count = len(data.load("digits", "test").pixels)
    assert (reply["image"], reply["of"]) == (round(7 * (count - 1) / 59), 60)
    assert reply["counts"] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    limit = about_iwae("limit", image=reply["image"])["logPx"]
    gaps = reply["gaps"]
    assert gaps == sorted(gaps, reverse=True), "the bound rises with k in every pool"
    checkpoint = checkpoints.load(checkpoints.named(MODEL))
    x = PICTURES.normalised(data.load("digits", "test").pixels[reply["image"]][None])
    mean, std = checkpoint.arrays.encode(x, 1.0)
    z = mean + std * np.random.default_rng((0, reply["image"], 0)).standard_normal((256, 2))
    weights = log_weights(z.astype(np.float32), reply["image"], 1.0)
    blocks = [logsumexp(part) - math.log(64) for part in weights.reshape(4, 64)]
    assert limit - gaps[6] == pytest.approx(np.mean(blocks), abs=3e-3)


@pytest.mark.parametrize(
    ("name", "value"), [("k", 128), ("k", 1), ("k", 4096), ("image", 9), ("beta", 0.1), ("seed", 3)]
)
def test_each_control_of_more_draws_is_kept_and_answered(name: str, value: float) -> None:
    answer = sent(theory(seen={"screen": "iwae", name: value}, state={"theory_wanted": MODEL}))["answer"]
    assert answer["start"][name] == value
    assert f"{name}={value:g}" in answer["link"].split("&") or value == 0
    image, beta = (answer["start"][each] for each in ("image", "beta"))
    assert answer["base"] == pytest.approx(log_weights(answer["z"], image, beta)[0], abs=3e-3)


@pytest.mark.parametrize("k", ["0", "-1", "4097", "1.5", "x"])
def test_a_k_that_cannot_be_is_refused_in_words(k: str) -> None:
    test = theory({"screen": "iwae", "model": MODEL, "k": k})
    assert "is not a whole number from 1 to 4,096" in said(test)
    assert sent(test)["answer"]["start"]["k"] == 64
    assert about_iwae("main", k=0)["kind"] == about_iwae("draws", more={"pool": 16})["kind"] == "refused"
    assert about_iwae("scan", more={"number": 60})["kind"] == "refused"


def test_models_that_have_no_q_or_more_axes_are_not_asked(runs: Path) -> None:
    config = ModelConfig(kind="vae", data="digits", shape=(8, 8), latent=3, encoder=(8,), decoder=(8,))
    checkpoints.save(runs / "three.safetensors", build(config, seed=1), PROVENANCE)
    for model in ("three", "c-ae"):
        reply = about_iwae("main", model=model)
        assert (reply["kind"], reply["why"]) == ("refused", "This needs a VAE of two latent axes.")
        assert "needs a VAE of two latent axes" in said(theory({"screen": "iwae", "model": model}))


def test_below_minus_a_thousand_nats_the_screen_has_finite_numbers(runs: Path) -> None:
    model = build(ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,)), seed=1)
    model.decoder.get_parameter("out.bias").data += torch.linspace(-90, 90, 64)
    checkpoints.save(runs / "far.safetensors", model, PROVENANCE)
    limit, draws = (about_iwae(part, model="far", image=2) for part in ("limit", "draws"))
    assert limit["logPx"] < -1000
    grid = log_marginal(checkpoints.load(checkpoints.named("far")).arrays, data.load("digits", "test").pixels[2:3], 1.0)
    assert limit["logPx"] == pytest.approx(grid.log_p[0], abs=0.05)
    assert draws["base"] < -1000
    assert np.isfinite(draws["logWeights"]).all()


# Maximum likelihood --------------------------------------------------------------------------------


def exact(moment: int, images: np.ndarray) -> np.ndarray:
    return legendre(training_states.read().at(moment).network.double(), (images > 0).astype(np.float32))


@pytest.mark.parametrize("moment", [0, 14, 31])
def test_a_state_says_log_px_of_a_digit_and_of_what_is_none(moment: int) -> None:
    reply = about_mle("main", image=15, moment=moment, drawn=[3, 4, 60])
    images = np.asarray(reply["images"]).reshape(-1, 8, 8)
    digit = data.load("digits", "test").pixels[15] >= 128
    assert (images[0] == 255 * digit).all()
    assert (images[2] == images[0][::-1]).all()
    assert (images[3] == 255 - images[0]).all()
    assert np.flatnonzero(images[-1]).tolist() == [3, 4, 60]
    assert reply["names"] == ["as it is", *over_training.no_digits(images[0], 0), "drawn"]
    found, wanted = np.array(reply["logPx"]), exact(moment, images)
    assert np.abs(np.delete(found - wanted, 3)).max() < 0.01  # the inverted one is too narrow for the other rule
    assert reply["even"] == pytest.approx(math.log(0.5**64))
    assert about_mle("track", image=15, drawn=[3, 4, 60], more={"moment": moment})["logPx"] == reply["logPx"]


def test_the_atlas_is_the_decoder_at_that_step_and_the_field_a_density() -> None:
    reply = about_mle("main", image=15, moment=25)
    model = training_states.read().at(25)
    atlas = np.asarray(reply["atlas"]).reshape(96, 96)
    z = np.array([[-4 + 8 * 3.5 / 12, 4 - 8 * 5.5 / 12]], np.float32)  # the fourth tile of the sixth row
    decoded = torch.sigmoid(model.network.decoder(torch.from_numpy(z), torch.ones(1, 1))).detach().numpy()[0]
    assert np.abs(atlas[40:48, 24:32] - 255 * decoded).max() <= 0.51
    shares = np.asarray(reply["shares"]).reshape(12, 12)
    assert shares.sum() == pytest.approx(1, abs=0.01)
    half = np.sort(shares.ravel())[::-1].cumsum()
    assert half[reply["busy"] - 1] >= 0.5 * shares.sum() > (half[reply["busy"] - 2] if reply["busy"] > 1 else 0)
    density = np.asarray(reply["density"]).reshape(60, 60)
    row, column = np.unravel_index(density.argmax(), density.shape)
    assert shares[row // 5, column // 5] == shares.max()


def test_averages_are_over_test_digits_and_every_fourth_training_digit() -> None:
    reply = about_mle("averages", more={"moment": 31})
    test, train = (training_states.images(part).pixels for part in ("test", "train"))
    model = training_states.read().at(31)
    for found, images in ((reply["test"], test), (reply["train"], train[::4])):
        each = log_marginal(model, images, 1.0, make_grid(192, 7)).log_p
        assert found == pytest.approx([each.mean(), each.std(ddof=1) / math.sqrt(len(each))], abs=2e-3)
    assert (reply["tested"], reply["trained"]) == (300, 325)
    field = about_mle("main", moment=31, average=True)
    assert field["over"] == 325
    assert np.asarray(field["shares"]).sum() == pytest.approx(1, abs=0.02)
    assert np.asarray(field["density"]).max() < 0.2 * np.asarray(about_mle("main", moment=31)["density"]).max()


def test_what_training_did_is_said_by_the_numbers() -> None:
    words = about_mle("verdicts", image=15, moment=31)["words"]
    assert words[0].startswith("more likely than before training (+26.0 nats); as likely as an average digit")
    assert words[3].endswith("less likely than if all images were equal")
    assert words[6].endswith("about as likely as if all images were equal")
    assert about_mle("verdicts", moment=0)["words"][0].endswith("as likely as any other image")


@pytest.mark.parametrize(
    ("name", "value"),
    [("moment", 0), ("moment", 31), ("image", 5), ("seed", 7), ("drawn", [0, 63]), ("average", True)],
)
def test_each_control_of_maximum_likelihood_is_kept_and_answered(name: str, value: Any) -> None:
    answer = sent(theory({"screen": "mle"}, {"screen": "mle", "moment": 20, name: value}))["answer"]
    assert answer["start"][name] == value
    assert answer["start"]["model"] == MODEL
    shown = np.asarray(answer["images"]).reshape(-1, 8, 8)[:3]
    assert answer["logPx"][:3] == pytest.approx(exact(answer["start"]["moment"], shown).tolist(), abs=0.01)


@pytest.mark.parametrize(("name", "value"), [("moment", "32"), ("moment", "-1"), ("drawn", "64"), ("average", "1")])
def test_what_a_link_cannot_set_is_refused_in_words(name: str, value: str) -> None:
    test = theory({"screen": "mle", name: value})
    assert f"{name} = " in said(test)
    assert sent(test)["answer"]["start"]["moment"] == 0


def test_a_damaged_file_of_states_is_said_without_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "states.safetensors"
    monkeypatch.setattr(training_states, "PATH", path)
    monkeypatch.setattr(training_states.read, "__defaults__", (path,))
    for content in (None, b"nothing", checkpoints.SHIPPED.joinpath("digits-vae-2d.safetensors").read_bytes()):
        if content is not None:
            path.write_bytes(content)
        for part, more in (("main", {}), ("averages", {"moment": 1}), ("track", {"moment": 1})):
            reply = about_mle(part, more=more, image=30, seed=99)
            assert reply["kind"] == "refused"
            assert "missing or damaged" in reply["why"]
            assert "python -m vae_explorer states" in reply["why"]
            assert str(tmp_path) not in reply["why"]
        answer = sent(theory({"screen": "mle"}))["answer"]
        assert "missing or damaged" in answer["refused"]


def test_models_of_other_images_or_without_a_prior_are_not_asked() -> None:
    for model in ("digits-ae-2d", "circles-vae-2d"):
        reply = ask(kind="theory.main", screen="mle", model=model)
        assert (reply["kind"], reply["why"]) == ("refused", "This needs a VAE of the digits.")
    assert mle.SCREEN.default == MODEL
