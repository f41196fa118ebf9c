"""The nearest code at any KL weight, against all images encoded at that weight; and what that costs."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.model import Encoding, Model
from vae_explorer.models.arrays import Arrays
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.encodings import Encodings
from vae_explorer.ui.shell.nearest import CANDIDATES, RUNGS_PER_DECADE, around, nearest


@pytest.mark.parametrize("name", ["digits-vae-2d", "circles-vae-2d", "digits-ae-2d"])
def test_it_is_the_nearest_of_all_images_encoded_at_that_very_weight(name: str) -> None:
    model = checkpoints.load(checkpoints.find(name)).model
    pixels = data.load(model.config.data, "test").pixels
    draws = np.random.default_rng(0)
    weights = np.exp(draws.uniform(np.log(1e-3), np.log(10), 3)) if model.config.kind == "multi-rate" else [1.0]
    for beta in map(float, (*weights, 1.0)):
        codes = encode(Arrays(model), pixels, beta).mean
        for z in codes[draws.integers(0, len(codes), 20)] + draws.normal(0, 0.2, (20, 2)).astype(np.float32):
            distances = np.linalg.norm(codes - z, axis=1)
            found = nearest(store.key(name), tuple(map(float, z)), beta)
            assert found.distance == pytest.approx(distances.min(), abs=1e-5)
            assert distances[found.image] == pytest.approx(distances.min(), abs=1e-5)


def test_the_ladder_goes_from_end_to_end_in_equal_steps() -> None:
    config = ModelConfig(kind="multi-rate", data="digits", shape=(8, 8), beta_min=1e-3, beta_max=10.0)
    assert around(config, 1.0) == (1.0, 1.0, 0.0)
    assert around(config, 1e-3) == (0.001, 0.001, 0.0)
    assert around(config, 10.0) == (10.0, 10.0, 0.0)
    for beta in (0.00123, 0.5, 0.987, 9.99):
        low, high, share = around(config, beta)
        assert low < beta < high
        assert np.log10(high / low) == pytest.approx(1 / RUNGS_PER_DECADE)
        assert np.log(low) + share * np.log(high / low) == pytest.approx(np.log(beta))
    assert around(ModelConfig(kind="vae", data="digits", shape=(8, 8), beta=3.0), 7.0) == (3.0, 3.0, 0.0)
    narrow = ModelConfig(kind="multi-rate", data="digits", shape=(8, 8), beta_min=1.0, beta_max=1.001)
    assert around(narrow, 1.0005)[:2] == (1.0, 1.001)


def test_fresh_weights_without_end_encode_a_ladder_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    store.forget_images()
    whole: list[float] = []

    def counted(model: Model, pixels: NDArray[np.uint8], beta: float) -> Encoding:
        if len(pixels) > CANDIDATES:
            whole.append(beta)
        return encode(model, pixels, beta)

    monkeypatch.setattr("vae_explorer.latent.encoding.encode", counted)
    for beta in np.geomspace(1e-3, 10, 200):
        nearest(store.key("digits-vae-2d"), (0.1, -0.2), float(beta))
    assert len(whole) <= 4 * RUNGS_PER_DECADE + 1
    assert all(b / a == pytest.approx(10 ** (1 / RUNGS_PER_DECADE)) for a, b in pairwise(sorted(whole)))


def test_one_encoding_at_a_time_and_each_once() -> None:
    kept, now, most, made = Encodings(), 0, 0, []
    lock = threading.Lock()

    def encoded(key: int) -> Encoding:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1
            made.append(key)
        return Encoding(np.full((1, 1), key, np.float32), np.zeros((1, 1), np.float32))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda k: kept.get(k % 5, lambda: encoded(k % 5)).mean.item(), range(40)))
    assert found == [k % 5 for k in range(40)]
    assert (most, sorted(made)) == (1, [0, 1, 2, 3, 4])


def test_what_was_used_longest_ago_makes_room() -> None:
    made: list[str] = []

    def encoded(key: str, size: int = 100) -> Encoding:
        made.append(key)
        return Encoding(np.zeros((size, 1), np.float32), np.zeros((size, 1), np.float32))

    kept = Encodings(most=2 * 800)
    for key in "abaca":
        kept.get(key, lambda key=key: encoded(key))  # type: ignore[misc]
    assert made == ["a", "b", "c"]
    kept.get("b", lambda: encoded("b"))
    assert made == ["a", "b", "c", "b"]
    kept.get("large", lambda: encoded("large", 10_000))  # alone more than all may take: kept until the next one comes
    kept.get("large", lambda: encoded("large", 10_000))
    assert made[-2:] == ["b", "large"]
