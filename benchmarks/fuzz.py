"""Files as damage, mistakes and malice leave them: each is refused in words, or means what it meant before.

    python -m benchmarks.fuzz --count 10000

Mutates small files of each kind and opens them as the program does. Prints how many were refused and how many gave
the same as before, by kind of damage; what was taken for something else, or raised anything but the module's own
error, is listed by its number, and makes the exit status 1. The same seed makes the same files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmarks import _mutations
from benchmarks._mutations import Mutate, mutants
from vae_explorer.checkpoints import checkpoints, sidecars
from vae_explorer.checkpoints.checkpoints import Checkpoint, CheckpointError, Provenance
from vae_explorer.checkpoints.sidecars import Measured, SidecarError
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.latent.gaps.measures import MEASURES, Score
from vae_explorer.latent.gaps.sampling import SAMPLINGS, Mixture
from vae_explorer.measured import curves, gap_tables
from vae_explorer.models.autoencoder import Autoencoder, build

REFUSED, SAME = "refused", "same"


class Target(NamedTuple):
    """A file that is mutated, and how it is opened."""

    content: bytes
    kinds: Mapping[str, Mutate]
    opened: Callable[[bytes], str]  # REFUSED, SAME, or what is wrong; nothing may be raised


class Outcome(NamedTuple):
    """What became of one mutant."""

    number: int
    kind: str
    what: str


def outcomes(target: Target, count: int, seed: int) -> Iterator[Outcome]:
    """Yields what becomes of so many mutants."""
    for mutant in mutants(target.content, target.kinds, count, seed):
        try:
            what = target.opened(mutant.content)
        except Exception as error:  # noqa: BLE001  (anything at all is what we look for)
            what = f"{type(error).__name__}: {error}"[:300]
        yield Outcome(mutant.number, mutant.kind, what)


def small(folder: Path) -> Checkpoint:
    """Returns a model that opens in a moment, with a training's state, as it was saved to a file."""
    config = ModelConfig(kind="multi-rate", data="digits", shape=(4, 4), encoder=(6,), decoder=(5,))
    made = Provenance(
        command="train --name small",
        data="digits; 1,297 training images",
        epochs=3,
        seconds=1.5,
        metrics={"distortion at beta 1": 19.5},
        versions={"torch": "2"},
        training=TrainingConfig(epochs=9),
        images={"test": "aebefb12d3211bb88506b520570bbcb7"},
    )
    path = folder / f"small{checkpoints.SUFFIX}"
    checkpoints.save(path, build(config, 0), made, {"epoch": torch.tensor(3), "order": torch.arange(5.0)})
    return checkpoints.load(path)


def a_checkpoint(folder: Path) -> Target:
    """A checkpoint as this version writes them: a digest over all that it says."""
    before = small(folder)
    answers = _answers(before.model)
    state = {name: value.clone() for name, value in before.state.items()}  # read from the file, which is overwritten

    def opened(content: bytes) -> str:
        before.path.write_bytes(content)
        if (found := _listed(before.path)) and found != before.path.stem:
            return f"listed as {found}"
        try:
            after = checkpoints.load(before.path)
        except CheckpointError as error:
            return REFUSED if str(before.path) in str(error) else f"a message without the file's name: {error}"
        equal = after.config == before.config and _equal(answers, _answers(after.model)) and _equal(state, after.state)
        return SAME if equal else "other answers than the model that was saved"

    return Target(before.path.read_bytes(), _mutations.CHECKPOINT, opened)


def an_old_checkpoint(folder: Path) -> Target:
    """A checkpoint without a digest: damage may stay unseen, but no answer is anything but a finite number."""
    path = small(folder).path
    with safe_open(path, framework="pt") as file:
        metadata = {name: text for name, text in file.metadata().items() if name != checkpoints.DIGEST}
    save_file(load_file(path), path, metadata)
    kinds = {name: each for name, each in _mutations.CHECKPOINT.items() if not name.startswith("digest")}

    def opened(content: bytes) -> str:
        path.write_bytes(content)
        _listed(path)
        try:
            after = checkpoints.load(path)
        except CheckpointError:
            return REFUSED
        finite = all(bool(each.isfinite().all()) for each in _answers(after.model).values())
        return SAME if finite else "answers that are not finite"

    return Target(path.read_bytes(), kinds, opened)


def a_curve(folder: Path) -> Target:
    """A rate-distortion curve beside its checkpoint."""
    checkpoint = small(folder)
    curve = curves.Curve(
        weights=sidecars.digest(checkpoint.model),
        source="digits",
        part="test",
        target="grey",
        images=300,
        samples=134,
        nll_images=0,
        beta=(0.1, 1.0),
        distortion=(19.25, 20.5),
        distortion_error=(0.125, 0.25),
        rate=(4.125, 3.5),
        axis_rate=((2.0, 2.125), (1.5, 2.0)),
        nll=None,
        nll_error=None,
    )
    curve.save(curves.sidecar(checkpoint.path))
    return _sidecar(checkpoint, curves.Curve)


def a_gap_table(folder: Path) -> Target:
    """A gap table beside its checkpoint."""
    checkpoint = small(folder)
    rows: dict[str, tuple[Score | None, ...]] = {name: (Score(0.5, 0.125, 0.25), None) for name in MEASURES}
    table = gap_tables.GapTable(
        weights=sidecars.digest(checkpoint.model),
        source="digits",
        part="test",
        images=300,
        draws=10_000,
        seeds=(0, 1, 2),
        trained=1_297,
        together=1_297,
        together_part="train",
        mixture=Mixture((0.75, 0.25), ((0.0, 0.5), (2.0, 1.0)), ((1.0, 0.0, 0.0, 1.0), (0.5, 0.0, 0.25, 0.5))),
        beta=(0.1, 1.0),
        scores=dict.fromkeys(SAMPLINGS, rows),
        real={name: Score(0.875, 0.0, 0.0625) for name in gap_tables.REAL},
    )
    table.save(gap_tables.sidecar(checkpoint.path))
    return _sidecar(checkpoint, gap_tables.GapTable)


def _sidecar(checkpoint: Checkpoint, kind: type[Measured]) -> Target:
    path = kind.beside(checkpoint.path)
    before = kind.load(path)

    def opened(content: bytes) -> str:
        path.write_bytes(content)
        found = kind.find(checkpoint)
        try:
            after = kind.load(path)
        except SidecarError as error:
            told = str(path) in str(error) and "Measure it again" in str(error)
            return REFUSED if found is None and told else f"found all the same, or not told: {error}"
        return SAME if after == before == found else "other figures than those that were measured"

    return Target(path.read_bytes(), _mutations.JSON, opened)


TARGETS: dict[str, Callable[[Path], Target]] = {
    "checkpoint": a_checkpoint,
    "old checkpoint": an_old_checkpoint,
    "curve": a_curve,
    "gap table": a_gap_table,
}


def _listed(path: Path) -> str | None:
    """Returns the name under which a file is offered; None where the list gives a reason instead."""
    entry = checkpoints.entry(path)
    assert (entry.error is None) == (entry.config is not None) == (entry.provenance is not None)
    return None if entry.error else entry.name


@torch.inference_mode()
def _answers(model: Autoencoder) -> dict[str, torch.Tensor]:
    """Returns codes, widths and decoded images at points and KL weights of our own."""
    beta = torch.tensor([0.02, 0.7, 6.0])
    x = torch.linspace(0, 1, 3 * model.config.shape[0] * model.config.shape[1]).reshape(3, *model.config.size)
    x = x[..., None].expand(-1, -1, -1, 3) if model.config.channels == 3 else x
    q = model.posterior(x, beta)
    z = torch.linspace(-2, 2, 3 * model.config.latent).reshape(3, -1)
    return {"codes": q.mean, "widths": q.stddev, "images": model.likelihood(z, beta).mean}


def _equal(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        value.dtype == other[name].dtype and value.numpy().tobytes() == other[name].numpy().tobytes()
        for name, value in one.items()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--count", type=int, default=10_000, help="files of each target (default: 10,000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong = 0
    for name in options.targets or TARGETS:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            found = list(outcomes(TARGETS[name](Path(folder)), options.count, options.seed))
        counts = Counter(each.what if each.what in (REFUSED, SAME) else "wrong" for each in found)
        wrong += counts["wrong"]
        seconds = time.perf_counter() - began
        print(f"{name}: {options.count:,} files, {dict(counts)}, {seconds:.0f} s")
        for kind in sorted({each.kind for each in found}):
            print(f"  {kind:28}", dict(Counter(each.what for each in found if each.kind == kind)))
        for each in found:
            if each.what not in (REFUSED, SAME):
                print(f"  number {each.number}, {each.kind}: {each.what}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
