"""Configurations survive JSON and refuse what cannot work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vae_explorer.config import ConfigError, ModelConfig, TrainingConfig

MODEL = ModelConfig(kind="multi-rate", data="mnist", shape=(28, 28), encoder=(64,), beta_max=4)
TRAINING = TrainingConfig(epochs=3, target="binarised")


@pytest.mark.parametrize("config", [MODEL, TRAINING])
def test_json_round_trip(config: ModelConfig | TrainingConfig) -> None:
    assert type(config).from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("kind", "gan"), ("kind", ["vae"]), ("latent", "2"), ("latent", True), ("latent", 2.0), ("data", 1)),
        *(("shape", [28]), ("shape", 28), ("encoder", [1.5]), ("beta", True), ("beta", None), ("scale", 10**400)),
    ],
)
def test_a_wrong_type_names_its_field(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        ModelConfig.from_json(MODEL.to_json() | {field: value})


def test_missing_and_unknown_fields_are_named() -> None:
    values = MODEL.to_json()
    del values["shape"]
    with pytest.raises(ConfigError, match="shape"):
        ModelConfig.from_json(values)
    with pytest.raises(ConfigError, match="colour"):
        ModelConfig.from_json(MODEL.to_json() | {"colour": 1})
    with pytest.raises(ConfigError, match="expected an object"):
        ModelConfig.from_json([1])


@pytest.mark.parametrize(
    "changes",
    [
        *({"latent": 0}, {"shape": [0, 8]}, {"encoder": []}, {"decoder": [0]}, {"scale": 0.0}, {"scale": 1e-300}),
        *({"beta": -1.0}, {"beta": float("nan")}, {"beta": 1e39}, {"beta_min": 0.0}, {"beta_min": 5.0}),
        *({"latent": 10**9}, {"shape": [8, 10**6]}, {"encoder": [10**18] * 2}, {"decoder": [8] * 1000}),
        {"backbone": "convolutional", "encoder": [4] * 6},
    ],
)
def test_a_model_that_cannot_work_is_refused(changes: dict[str, Any]) -> None:
    # Ahead of the bracket, which repeats every setting.
    with pytest.raises(ConfigError, match=rf"^[^(]*{next(iter(changes))}"):
        ModelConfig.from_json(MODEL.to_json() | changes)


@pytest.mark.parametrize(
    "changes",
    [
        *({"epochs": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"learning_rate": float("inf")}),
        *({"weight_decay": -1.0}, {"warmup": 1.0}, {"clip": 0.0}, {"noise": -1.0}, {"seed": -1}),
        *({"noise": float("nan")}, {"seed": 2**31}, {"balance": -0.1}, {"balance": float("inf")}),
        *({"focus": 1.1}, {"focus": -0.1}),
    ],
)
def test_training_that_cannot_work_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"^[^(]*{next(iter(changes))}"):
        TrainingConfig.from_json(TRAINING.to_json() | changes)


def test_a_field_that_an_older_version_did_not_write_takes_its_default() -> None:
    values = TRAINING.to_json()
    del values["noise"]
    assert TrainingConfig.from_json(values) == TRAINING
