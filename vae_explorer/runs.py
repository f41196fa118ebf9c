"""A training run from its configuration to its checkpoint, the same for every front end."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from torch import Tensor

from vae_explorer import checkpoints
from vae_explorer.allocator import keep_freed_memory
from vae_explorer.checkpoints import CheckpointError, Provenance
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import demand_shape, load
from vae_explorer.models import Autoencoder, build
from vae_explorer.training import Epoch, fit, reported_beta


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where a run starts."""

    model: Autoencoder
    training: TrainingConfig
    command: str
    seconds: float = 0.0  # spent before
    state: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def fresh(cls, model: ModelConfig, training: TrainingConfig, command: str) -> Run:
        return cls(model=build(model, training.seed), training=training, command=command)

    @classmethod
    def resumed(cls, path: Path) -> Run:
        """Goes on from a checkpoint.

        Raises:
            CheckpointError: If it cannot be read, or its training is over.
        """
        checkpoint = checkpoints.load(path)
        if not checkpoint.state:
            raise CheckpointError(f"{path}: its training is over, there is nothing to resume.")
        return cls(
            model=checkpoint.model.train(),
            training=checkpoint.provenance.training,
            command=checkpoint.provenance.command,
            seconds=checkpoint.provenance.seconds,
            state=checkpoint.state,
        )


def train(run: Run, path: Path, show: Callable[[Epoch], None], should_stop: Callable[[], bool]) -> None:
    """Trains to the end or until asked to stop, keeping the last whole epoch at `path`.

    An unfinished checkpoint also holds the optimiser's state; the finished one does not.

    Raises:
        DataError, CheckpointError, TrainingDiverged: With messages fit for a screen.
    """
    keep_freed_memory()
    images = load(run.model.config.data, "train")
    validation = load(run.model.config.data, "validation")
    demand_shape(images, run.model.config.shape)
    seconds = run.seconds
    epochs = fit(run.model, images, validation, run.training, state=run.state or None, should_stop=should_stop)
    for epoch in epochs:
        data = f"{images.source}; {len(images.pixels):,} training images"
        state = epoch.state if epoch.number < epoch.epochs else None
        seconds += epoch.seconds
        show(epoch)
        checkpoints.save(path, run.model, _provenance(run, epoch, data, seconds), state)


def _provenance(run: Run, epoch: Epoch, data: str, seconds: float) -> Provenance:
    beta = reported_beta(run.model.config)
    metrics = {f"{name} at beta {beta:g}": value for name, value in epoch.validation._asdict().items()}
    return Provenance(
        command=run.command,
        data=data,
        epochs=epoch.number,
        seconds=seconds,
        metrics={name: value for name, value in metrics.items() if abs(value) != float("inf")},
        versions={"python": platform.python_version()} | {name: version(name) for name in ("torch", "numpy")},
        training=run.training,
    )
