"""A training run from its configuration to its checkpoint, the same for every front end."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from torch import Tensor

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import CheckpointError, Provenance
from vae_explorer.config import ModelConfig, TrainingConfig, reported_beta
from vae_explorer.data import PARTS, DataError, Images, Shards, changed, demand_shape, fingerprint, load, stream
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.training.allocator import keep_freed_memory
from vae_explorer.training.engine import EVALUATION_IMAGES, Epoch, TrainingDiverged, fit
from vae_explorer.training.processes import ALONE, Processes, use_half_the_processors


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where a run starts."""

    model: Autoencoder
    training: TrainingConfig
    command: str
    seconds: float = 0.0  # spent before
    images: dict[str, str] = field(default_factory=dict)  # fingerprints of what it was trained with before, by part
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
            images=checkpoint.provenance.images,
            state=checkpoint.state,
        )

    @classmethod
    def unpacked(cls, content: bytes) -> Run:
        """Returns what another process packed."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"run{checkpoints.SUFFIX}"
            path.write_bytes(content)
            kept = checkpoints.load(path)
        return cls(model=kept.model.train(), training=kept.provenance.training, command="", state=kept.state)

    def packed(self) -> bytes:
        """Returns weights, settings and state as a checkpoint's bytes."""
        provenance = Provenance(
            command="", data="", epochs=0, seconds=0, metrics={}, versions={}, training=self.training
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"run{checkpoints.SUFFIX}"
            checkpoints.save(path, self.model, provenance, self.state)
            return path.read_bytes()


def train(
    run: Run,
    path: Path,
    show: Callable[[Epoch], None],
    should_stop: Callable[[], bool],
    processes: Processes = ALONE,
) -> None:
    """Trains to the end or until asked to stop, keeping the last whole epoch at `path`.

    The folder has to be there: where it was deleted meanwhile, training ends. An unfinished checkpoint
    also holds the optimiser's state; the finished one does not. Where other processes train with this
    one, they `follow`: they need neither the settings nor the checkpoint.

    Raises:
        DataError, CheckpointError, TrainingDiverged, ProcessesError: With messages fit for a screen.
    """
    if processes.size > 1:
        processes.tell(run.packed())
    seconds = run.seconds
    images, epochs = _epochs(run, should_stop, processes)
    prints = _fingerprints(run, images)
    for epoch in epochs:
        data = f"{images.source}; {sum(images.lengths):,} training images"
        state = epoch.state if epoch.number < epoch.epochs else None
        seconds += epoch.seconds
        show(epoch)
        checkpoints.save(path, run.model, _provenance(run, epoch, data, seconds, prints), state, anew=False)


def follow(processes: Processes, should_stop: Callable[[], bool]) -> None:
    """Trains with process 0, which keeps and shows what comes of it, and says if the loss diverges.

    Raises:
        DataError, CheckpointError, ProcessesError: With messages fit for a screen.
    """
    content = processes.tell(b"")
    if not content:  # process 0 has nothing to train
        return
    with suppress(TrainingDiverged):
        for _ in _epochs(Run.unpacked(content), should_stop, processes)[1]:
            pass


def _epochs(run: Run, should_stop: Callable[[], bool], processes: Processes) -> tuple[Images | Shards, Iterator[Epoch]]:
    keep_freed_memory()
    use_half_the_processors()
    images = stream(run.model.config.data, "train")
    validation = load(run.model.config.data, "validation")
    demand_shape(validation, run.model.config.shape)  # the training part's is the same
    state = run.state or None
    return images, fit(
        run.model, images, validation, run.training, state=state, should_stop=should_stop, processes=processes
    )


def _fingerprints(run: Run, train: Images | Shards) -> dict[str, str]:
    """Returns the fingerprints of the data set's parts; a part that stays in its files is not read for it.

    Raises:
        DataError: If the run goes on, and its data set is another one by now.
    """
    name = run.model.config.data
    parts = {part: load(name, part) for part in PARTS if part != "train"}
    if isinstance(train, Images):
        parts["train"] = train
    for part, images in parts.items():
        if said := changed(name, part, images, run.images):
            raise DataError(f"{said} A run goes on with the images that it began with: begin a new one.")
    return {part: fingerprint(images) for part, images in parts.items()}


def _provenance(run: Run, epoch: Epoch, data: str, seconds: float, images: dict[str, str]) -> Provenance:
    beta = reported_beta(run.model.config)
    over = f"at beta {beta:g}, first {EVALUATION_IMAGES:,} validation images at most"
    metrics = {f"{name} {over}": value for name, value in epoch.validation._asdict().items()}
    return Provenance(
        command=run.command,
        data=data,
        epochs=epoch.number,
        seconds=seconds,
        metrics={name: value for name, value in metrics.items() if abs(value) != float("inf")},
        versions={"python": platform.python_version()} | {name: version(name) for name in ("torch", "numpy")},
        training=run.training,
        images=images,
    )
