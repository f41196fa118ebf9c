"""Training: it learns, repeats itself bit for bit, stops when asked, and fails with a word."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import kstest, uniform
from torch import Tensor
from torch.distributions import kl_divergence

from tests.test_models import config, perturbed
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Provenance
from vae_explorer.config import ConfigError, Precision, TrainingConfig, effective_beta
from vae_explorer.data import Images, load
from vae_explorer.jobs import runs
from vae_explorer.models import objectives
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.training import draws
from vae_explorer.training import engine as training
from vae_explorer.training.draws import draw_beta
from vae_explorer.training.engine import Epoch, TrainingDiverged, fit
from vae_explorer.training.optimizer import clip, learning_rate, optimizer_of
from vae_explorer.training.processes import ALONE

SETTINGS = TrainingConfig(epochs=4, batch=100, precision="float32")
TRAIN, VALIDATION = load("digits", "train"), load("digits", "validation")


def run(model: Autoencoder, settings: TrainingConfig = SETTINGS, **options: Any) -> list[Epoch]:
    return list(fit(model, TRAIN, VALIDATION, settings, **options))


def provenance(settings: TrainingConfig) -> Provenance:
    return Provenance(command="", data="", epochs=1, seconds=0, metrics={}, versions={}, training=settings)


def weights(model: Autoencoder) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["autoencoder", "vae", "multi-rate"])
def test_it_beats_the_best_constant_image(kind: str, precision: Precision) -> None:
    model = build(config(kind=kind, encoder=(64,), decoder=(64,), beta=0.1), 0)
    last = run(model, TrainingConfig(epochs=30, batch=50, learning_rate=5e-3, precision=precision))[-1]
    mean = TRAIN.pixels.mean(0) / 255
    mean = mean.clip(1e-4, 1 - 1e-4)
    x = VALIDATION.pixels / 255
    constant = -(x * np.log(mean) + (1 - x) * np.log(1 - mean)).sum((1, 2)).mean()
    assert last.validation.distortion < constant - 3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_killed_and_resumed_through_a_file_ends_with_the_same_weights(precision: Precision, tmp_path: Path) -> None:
    settings = replace(SETTINGS, precision=precision)
    whole = build(config(kind="multi-rate"), 0)
    run(whole, settings)
    first = build(config(kind="multi-rate"), 0)
    epochs = fit(first, TRAIN, VALIDATION, settings)
    next(epochs)
    epoch = next(epochs)
    checkpoints.save(tmp_path / "half.safetensors", first, provenance(settings), epoch.state)
    half = checkpoints.load(tmp_path / "half.safetensors")
    rest = run(half.model.train(), settings, state=half.state)
    assert [each.number for each in rest] == [3, 4]
    assert torch.equal(weights(half.model), weights(whole))


def test_the_state_of_another_model_is_refused() -> None:
    state = next(fit(build(config(encoder=(12,)), 0), TRAIN, VALIDATION, SETTINGS)).state
    with pytest.raises(ConfigError, match="does not belong"):
        run(build(config(encoder=(13,)), 0), state=state)


@pytest.mark.parametrize(
    "change",
    [
        *({"epoch": None}, {"epoch": torch.tensor(-5)}, {"epoch": torch.zeros(3)}),
        *({"log_scale:step": torch.tensor(1.0)}, {"encoder.head.bias:exp_avg": None}),
        {"encoder.head.bias:exp_avg": torch.tensor(0.0)},  # fused AdamW would write beyond its end
        {"encoder.head.bias:exp_avg": torch.zeros(4, dtype=torch.float64)},
    ],
)
def test_a_state_that_was_tampered_with_is_refused(change: dict[str, Tensor | None]) -> None:
    state = next(fit(build(config(), 0), TRAIN, VALIDATION, SETTINGS)).state
    assert state["encoder.head.bias:exp_avg"].shape == (4,)
    edited = {name: value for name, value in (state | change).items() if value is not None}
    with pytest.raises(ConfigError, match=next(iter(change))):
        run(build(config(), 0), state=edited)


def test_a_learned_scale_resumes_too() -> None:
    models = [build(config(likelihood="gaussian-learned"), 0) for _ in range(2)]
    run(models[0])
    epochs = fit(models[1], TRAIN, VALIDATION, SETTINGS)
    state = next(epochs).state
    run(models[1], state=state)
    assert torch.equal(weights(models[0]), weights(models[1]))


def test_the_seed_is_all_that_chance_there_is() -> None:
    torch.manual_seed(11)
    expected = torch.rand(1)
    torch.manual_seed(11)
    models = [build(config(), 0) for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        run(model, TrainingConfig(epochs=1, seed=seed))
    assert torch.equal(weights(models[0]), weights(models[1]))
    assert not torch.equal(weights(models[0]), weights(models[2]))
    assert torch.equal(torch.rand(1), expected), "the global generator was touched"


def test_every_image_is_seen_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    step = training._step

    def spy(model: Any, optimizer: Any, pixels: Tensor, *rest: Any) -> Tensor:
        seen.append(pixels.clone())
        return step(model, optimizer, pixels, *rest)

    monkeypatch.setattr(training, "_step", spy)
    some = Images(TRAIN.pixels[:300], TRAIN.labels[:300], TRAIN.names, TRAIN.source)
    list(fit(build(config(), 0), some, VALIDATION, TrainingConfig(epochs=2, batch=100)))
    first, second = (torch.cat(seen[i : i + 3]).flatten(1) for i in (0, 3))
    expected = torch.from_numpy(some.pixels).flatten(1)
    assert sorted(first.tolist()) == sorted(second.tolist()) == sorted(expected.tolist())
    assert not torch.equal(first, expected)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("focus", "progress", "share"), [(0.0, 0.5, 0), (0.35, 0.001, 0.35), (0.35, 0.8, 0.35), (1, 0.5, 1)]
)
def test_kl_weights_are_even_in_their_logarithm_over_the_range_and_its_middle(
    focus: float, progress: float, share: float
) -> None:
    """Against the mixture of two log-uniform distributions, [0.001, 10] and [0.01, 1], by Kolmogorov and Smirnov."""
    torch.manual_seed(0)
    model = config(kind="multi-rate", beta_min=0.001, beta_max=10.0)
    beta = draw_beta(model, 50_000, focus, progress)
    whole, middle = uniform(-3, 4), uniform(-2, 2)

    def mixture(x: Any) -> Any:
        return (1 - share) * whole.cdf(x) + share * middle.cdf(x)

    assert kstest(beta.double().log10().numpy(), mixture).pvalue > 0.01
    assert beta.min() >= 0.001 * (1 - 1e-5)
    assert beta.max() <= 10 * (1 + 1e-5)


def test_late_kl_weights_are_even_but_for_the_ends_of_the_range() -> None:
    """Of a range of ln(10^4) wider by 0.3 at each end, what lies beyond is drawn as the end itself."""
    torch.manual_seed(0)
    beta = draw_beta(config(kind="multi-rate", beta_min=0.001, beta_max=10.0), 50_000, 0.35, 0.81)
    place = beta.double().log10().numpy()
    low, high = (np.isclose(place, end, atol=1e-6) for end in (-3, 1))
    beyond = 0.3 / (np.log(1e4) + 0.6)
    for end in (low, high):
        assert end.mean() == pytest.approx(beyond, abs=4 * np.sqrt(beyond / 50_000))
    assert kstest(place[~low & ~high], uniform(-3, 4).cdf).pvalue > 0.01


def test_the_middle_of_kl_weights_stays_within_the_models_range() -> None:
    beta = draw_beta(config(kind="multi-rate", beta_min=0.1, beta_max=10.0), 1000, 1.0, 0.5)
    assert beta.min().item() == pytest.approx(0.1, rel=0.05)
    assert beta.max().item() == pytest.approx(1, rel=0.05)


def test_a_stop_is_heard_within_one_step() -> None:
    questions = 0

    def should_stop() -> bool:
        nonlocal questions
        questions += 1
        return questions > 15

    steps = len(TRAIN.pixels) // SETTINGS.batch
    epochs = run(build(config(), 0), should_stop=should_stop)
    assert len(epochs) == 15 // steps
    assert questions == 16


def test_a_loss_that_is_no_number_ends_with_advice_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    settings = TrainingConfig(epochs=50, batch=50, learning_rate=1e6, clip=1e9, warmup=0.5)
    model = build(config(likelihood="gaussian"), 0)
    checkpoints.save(path, model, provenance(settings))
    epochs = fit(model, TRAIN, VALIDATION, settings)

    def follow() -> None:
        for epoch in epochs:
            if all(value.isfinite().all() for value in model.state_dict().values()):
                checkpoints.save(path, model, provenance(settings), epoch.state)

    with pytest.raises(TrainingDiverged, match="lower learning rate"):
        follow()
    assert checkpoints.load(path)


def test_a_rate_that_is_no_number_ends_a_run_at_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*asked: Any) -> objectives.Terms:
        found = objectives.terms(*asked)
        return found._replace(rate=found.rate + float("nan"))

    model = build(config(), 0)
    before = [value.clone() for value in model.state_dict().values()]
    monkeypatch.setattr(training, "terms", unknown)
    with pytest.raises(TrainingDiverged, match="lower learning rate"):
        list(fit(model, TRAIN, VALIDATION, TrainingConfig(epochs=1)))
    assert all(map(torch.equal, before, model.state_dict().values())), "no step was taken"


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian-learned"])
def test_an_epoch_whose_last_step_blew_up_does_not_replace_the_good_one(likelihood: str, tmp_path: Path) -> None:
    """One step an epoch: its loss is finite, and only the weights that it leaves are of no use."""
    path = tmp_path / "run.safetensors"
    settings = TrainingConfig(epochs=8, batch=2000, learning_rate=1e6, clip=1e9, warmup=0.9, precision="float32")
    shown: list[Epoch] = []
    start = runs.Run.fresh(config(likelihood=likelihood), settings, "")
    with pytest.raises(TrainingDiverged, match="lower learning rate"):
        runs.train(start, path, shown.append, lambda: False)
    assert all(np.isfinite(epoch.validation.objective) for epoch in shown)
    assert path.exists() == bool(shown)
    if shown:
        kept = checkpoints.load(path)
        again = training.evaluate(kept.model, torch.from_numpy(VALIDATION.pixels), 1.0, seed=settings.seed)
        assert again == shown[-1].validation


def test_noise_is_for_the_encoder_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Tensor, Tensor]] = []
    terms = objectives.terms

    def spy(model: Any, x: Tensor, beta: Tensor, target: Tensor | None = None, *rest: Any) -> Any:
        seen.append((x, x if target is None else target))
        return terms(model, x, beta, target, *rest)

    monkeypatch.setattr(training, "terms", spy)
    next(fit(build(config(), 0), TRAIN, VALIDATION, TrainingConfig(epochs=1, batch=1297, noise=0.3)))
    (noisy, target), (x, clean) = seen
    assert (noisy - target).std().item() == pytest.approx(0.3, rel=0.02)
    assert sorted((255 * target).byte().flatten(1).tolist()) == sorted(TRAIN.pixels.reshape(-1, 64).tolist())
    assert torch.equal(x, clean), "validation is without noise"


def test_binarised_targets_are_black_or_white_and_right_on_average() -> None:
    model = build(config(), 0)
    pixels = torch.from_numpy(VALIDATION.pixels)
    grey = training.evaluate(model, pixels, 1.0, seed=0).distortion
    drawn = [training.evaluate(model, pixels, 1.0, seed=seed, binarised=True).distortion for seed in range(20)]
    assert len(set(drawn)) == 20
    # Cross-entropy is linear in the target, so both have the same mean.
    assert np.mean(drawn) == pytest.approx(grey, abs=4 * np.std(drawn) / np.sqrt(20) + 0.05)
    ends = [run(build(config(), 0), TrainingConfig(epochs=1, target=t))[-1].train for t in ("grey", "binarised")]
    assert ends[0] != ends[1]


def test_the_learning_rate_rises_once_and_falls_to_zero() -> None:
    rates = [learning_rate(SETTINGS, i / 100) for i in range(101)]
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(SETTINGS.learning_rate)
    assert peak == round(100 * SETTINGS.warmup)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_fewer_images_than_a_batch_still_train() -> None:
    some = Images(TRAIN.pixels[:7], TRAIN.labels[:7], TRAIN.names, TRAIN.source)
    assert len(list(fit(build(config(), 0), some, some, SETTINGS))) == 4


@pytest.mark.parametrize("kind", ["vae", "multi-rate"])
def test_the_pixel_mean_changes_the_gradient_alone_and_what_is_reported_stays_in_nats(kind: str) -> None:
    """One step from the same weights: both report the same terms, and the gradients are those of the two losses."""
    gradients, reported = {}, {}
    for reduction, beta in (("mean", 0.5), ("sum", 0.5), ("heavy", 0.5 * 64)):
        model = build(config(kind=kind, beta=beta, beta_min=0.5, beta_max=0.6), 0)
        if kind == "multi-rate" and reduction == "heavy":
            continue  # its network would see another weight
        settings = TrainingConfig(
            reduction="mean" if reduction == "mean" else "sum", clip=1e12, learning_rate=1e-12, precision="float32"
        )
        torch.manual_seed(5)
        pixels = torch.from_numpy(TRAIN.pixels[:50])
        optimizer = optimizer_of(model, settings)
        means = training._step(model, optimizer, pixels, settings, 0.5, ALONE.share(50), ALONE)
        reported[reduction] = means.tolist()
        gradients[reduction] = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    assert reported["mean"] == reported["sum"]
    assert not torch.allclose(64 * gradients["mean"], gradients["sum"], rtol=1e-3)
    if kind == "vae":
        assert torch.allclose(64 * gradients["mean"], gradients["heavy"], rtol=1e-3, atol=1e-4)


def test_an_image_of_a_large_kl_weight_moves_the_shared_weights_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against autograd of mean((D + beta R) / (1 + beta)^balance), written out; reported is the plain objective."""
    beta = torch.tensor([0.5, 9.0]).repeat(25)
    monkeypatch.setattr(draws, "draw_beta", lambda *_: beta)
    model = perturbed(build(config(kind="multi-rate"), 0))
    settings = TrainingConfig(balance=0.7, clip=1e12, learning_rate=1e-12, precision="float32")
    pixels = torch.from_numpy(TRAIN.pixels[:50])
    torch.manual_seed(5)
    means = training._step(model, optimizer_of(model, settings), pixels, settings, 0.5, ALONE.share(50), ALONE)
    learned = [p for p in model.parameters() if p.grad is not None]
    found = [p.grad.clone() for p in learned if p.grad is not None]
    x = pixels / 255
    torch.manual_seed(5)
    q = model.posterior(x, beta)
    z = q.rsample()
    distortion = -model.likelihood(z, beta).log_prob(x)
    rate = kl_divergence(q, model.prior())
    whole = distortion + beta * rate
    expected = torch.autograd.grad((whole / (1 + beta) ** 0.7).mean(), learned)
    torch.testing.assert_close(found, list(expected), rtol=1e-4, atol=1e-4)
    assert means[2].item() == pytest.approx(whole.mean().item(), rel=1e-5)


def test_the_effective_weight_is_multiplied_by_the_pixels_of_a_mean_alone() -> None:
    assert effective_beta(config(beta=0.5), TrainingConfig()) == 0.5
    assert effective_beta(config(beta=0.5), TrainingConfig(reduction="mean")) == 32
    assert effective_beta(config(kind="multi-rate"), TrainingConfig(reduction="mean")) == 64


def test_the_optimiser_is_pytorchs_adamw() -> None:
    ours, theirs = build(config(kind="vae"), 0), build(config(kind="vae"), 0)
    settings = TrainingConfig(learning_rate=0.01, weight_decay=0.5)
    optimizer = optimizer_of(ours, settings)
    groups = [
        {"params": [p for p in theirs.parameters() if p.requires_grad and p.ndim > 1], "weight_decay": 0.5},
        {"params": [p for p in theirs.parameters() if p.requires_grad and p.ndim <= 1], "weight_decay": 0.0},
    ]
    oracle = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.99))
    for _ in range(3):
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        optimizer.step()
        oracle.step()
    torch.testing.assert_close(weights(ours), weights(theirs))
    assert not torch.allclose(weights(ours), weights(build(config(kind="vae"), 0)), atol=1e-3)


def test_nothing_waits_for_the_compilers_import() -> None:
    program = (
        "import sys\n"
        "from vae_explorer.training import engine as training\n"
        "from vae_explorer.config import ModelConfig, TrainingConfig\n"
        "from vae_explorer.data import load\n"
        "from vae_explorer.models.autoencoder import build\n"
        "config = ModelConfig(kind='multi-rate', data='digits', shape=(8, 8), encoder=(16,), decoder=(16,))\n"
        "parts = load('digits', 'train'), load('digits', 'validation')\n"
        "list(training.fit(build(config, 0), *parts, TrainingConfig(epochs=1)))\n"
        "print({'torch._dynamo', 'sklearn'} & sys.modules.keys())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_a_large_gradient_is_scaled_down_to_the_bound_and_a_small_one_left() -> None:
    for most, scale in ((0.5, 0.1), (4.9, 0.98), (5.0, 1.0), (80.0, 1.0)):
        whole = [np.array([3.0, 0.0]), np.array([[0.0, -4.0]])]  # of length 5 together
        gradients = [torch.from_numpy(each).float() for each in whole]
        clip(gradients, most)
        for gradient, each in zip(gradients, whole, strict=True):
            assert np.allclose(gradient, scale * each, rtol=1e-5)
