"""The gap tables of the shipped pairs, and how long a table and a gap field take.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.gaps

A VAE is sampled from its prior; an autoencoder, which has none, from one Gaussian fitted to its test images'
codes and from a mixture of Gaussians fitted to its training images'. A mark says that a VAE's score is better
(+) or worse (-) than the autoencoder's from the mixture by more than two standard errors of the difference; a
bound wins what it wins for certain. Times are those of MNIST, where `first` has the classifiers fitted and both
models measured at one KL weight, with one seed, for all sampling distributions. MNIST has an autoencoder more,
the plain one: without the noise and the weight decay of the other's training.
"""

from __future__ import annotations

import time
from math import log

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import load
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.gaps import FIELDS, MEASURES, FieldAnswer, Score, class_grid, compare, fit_judges
from vae_explorer.measured import gap_tables

BETAS = (0.01, 0.1, 1.0, 4.0)
MARKS = {1: " +", 0: "", -1: " -"}
SIDE, COARSE, CLASSES = 100, 25, 64


def pair(data: str) -> list[Checkpoint]:
    """Returns the shipped autoencoder and VAE of a data set."""
    return [checkpoints.load(checkpoints.find(f"{data}-{kind}-2d")) for kind in ("ae", "vae")]


def print_scores(data: str) -> None:
    """Prints the kept tables of a pair beside each other, as Markdown."""
    points, vae = pair(data)
    left, right = gap_tables.find(points), gap_tables.find(vae)
    if left is None or right is None:
        print(f"{data}: measure the gaps first: python -m vae_explorer gaps {points.name} {vae.name}")
        return
    tables = {"AE": left}
    plain = checkpoints.SHIPPED / f"{data}-ae-plain-2d{checkpoints.SUFFIX}"
    if plain.is_file() and (other := gap_tables.find(checkpoints.load(plain))):
        tables = {"plain AE": other, "AE": left}
    print(f"\n{left.source}; {left.images:,} test images, {left.draws:,} draws, {len(left.seeds)} seeds\n")
    heads = [f"{name}, {what}" for name in tables for what in ("Gaussian", "mixture")]
    heads += [f"VAE, beta {each:g}" for each in BETAS]
    print(f"| measure | unit | better | {' | '.join(heads)} |")
    print("|---|---|---|" + "---|" * len(heads))
    samples = [table.at(0.0, sampling) for table in tables.values() for sampling in ("fitted", "mixture")]
    for name, measure in MEASURES.items():
        mixed = samples[-1][name]
        cells = [text(each[name]) for each in samples]
        for beta in BETAS:
            score, bound = right.at(beta, "prior")[name], right.bounds.get(name, ())[right.rung(beta) :][:1] == (True,)
            sign = {"lower": "≤ ", "higher": "≥ "}[measure.better] if bound and measure.better else ""
            cells.append(sign + text(score) + MARKS[-compare(name, mixed, score, bounds=(False, bound))])
        print(f"| {measure.title} | {measure.unit} | {measure.better or 'neither'} | " + " | ".join(cells) + " |")
    print(
        f"\nKL and information with {right.together:,} {right.together_part} images: log N = {log(right.together):.2f}"
    )
    for name, score in left.real.items():
        print(f"\n{MEASURES[name].title}, of the test images themselves: {text(score)}")


def text(score: Score | None) -> str:
    """Returns a score with its standard error."""
    return "-" if score is None else f"{score.value:.3f} ± {score.error:.3f}"


def print_times() -> None:
    """Prints seconds, and the processor's seconds beside them."""
    images = load("mnist", "test")
    models = pair("mnist")
    start, work = time.perf_counter(), time.process_time()
    train = load("mnist", "train")
    judges = fit_judges(train, load("mnist", "validation"), 0)
    for each in models:
        gap_tables.measure_gaps(each, images, [judges], train=train, betas=[1.0])
    print(f"\nwhole table of both models, first: {seconds(start, work)}")
    start, work = time.perf_counter(), time.process_time()
    for each in models:
        assert gap_tables.find(each)
    print(f"whole table of both models at all KL weights, from the files: {seconds(start, work)}")
    for each in models:
        codes = encode(each.arrays, images.pixels, 1.0).mean
        reach = 3 * float(codes.std())
        extent = (-reach, reach, -reach, reach)
        each.arrays.jacobian(codes[:1], 1.0, 2)  # PyTorch compiles rules before its first derivative
        for field in FIELDS:
            start, work = time.perf_counter(), time.process_time()
            answer = FieldAnswer(each.arrays, codes, field, 1.0, pixels=images.pixels, classifier=judges.network)
            answer.grid(extent, COARSE)
            print(f"{each.name}, field {field}, prepared, {COARSE} x {COARSE}: {seconds(start, work)}")
            start, work = time.perf_counter(), time.process_time()
            answer.grid(extent, SIDE)
            print(f"{each.name}, field {field}, {SIDE} x {SIDE}: {seconds(start, work)}")
        start, work = time.perf_counter(), time.process_time()
        class_grid(each.arrays, judges.network, extent, CLASSES, 1.0)
        print(f"{each.name}, classes, {CLASSES} x {CLASSES}: {seconds(start, work)}")


def seconds(start: float, work: float) -> str:
    """Returns what has passed since."""
    return f"{time.perf_counter() - start:.2f} s ({time.process_time() - work:.2f} s of processor)"


def main() -> None:
    """Prints scores, then times."""
    for data in ("mnist", "digits", "circles"):
        print_scores(data)
    print_times()


if __name__ == "__main__":
    main()
