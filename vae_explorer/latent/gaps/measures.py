"""What is measured of a latent space's gaps: names, units, directions, and figures with their errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_explorer.checked import Finite, NotNegative

Better = Literal["lower", "higher"]
GROUPS = 10  # parts of the images, or of the draws, that the jackknife leaves out in turn
FEWEST = 2 * GROUPS  # images, so that every part left out holds two
NEAR = 3.0  # nats below log N from which on an information is a bound: a posterior's own image is 5 % of q(z) there
SURE = 0.9  # probability of one class from which an image counts as recognised
MISSING = 0.01  # of the draws, below which a class is missing among them
SMALLEST = 1e-6  # standard deviation of codes on an axis, latent units: less is one spot


class Score(NamedTuple):
    """A figure and its standard error, split by what it comes from: more draws mend only the first part."""

    value: Finite
    draws: NotNegative  # from the number of draws
    images: NotNegative  # from the number of images

    @property
    def error(self) -> float:
        """The standard error."""
        return math.hypot(self.draws, self.images)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How a figure is shown, and read."""

    group: str  # the heading that it stands under
    title: str
    unit: str  # "share" is of one
    better: Better | None  # None where neither is: the figure describes, and nothing is won by it
    words: str  # what it means
    sampled: bool = True  # whether it depends on the sampling distribution
    jury: str = ""  # what several classifiers are asked: where they contradict each other, none counts


@dataclass(frozen=True, kw_only=True)
class Field:
    """How a field of the latent plane is shown, and read."""

    title: str
    unit: str
    better: Better
    words: str
    gap: str  # what stands where it is bad, in two or three words
    needs: frozenset[str] = frozenset()  # of `images`, `judges`


_PATHS = "straight paths between the codes of random pairs of test images"
_CLASSIFIER = "a classifier trained on real images alone gives 90 % or more to one class"
_SPACES = {"pixels": "in pixels", "features": "in the last hidden layer of the network classifier"}
_NEIGHBOURS = {
    "precision": (
        "Precision",
        "Part of the decoded draws that are as close to some test image as its 5th neighbour; an average of many "
        "images is, so blur does not lower it",
    ),
    "recall": (
        "Recall",
        "Part of the test images that are as close to some decoded draw as its 5th neighbour among the draws",
    ),
    "density": (
        "Density",
        "How many test images a decoded draw is as close to as their 5th neighbour, over the 5 of a real image; "
        "real images have 1, and more says that draws crowd on common images, or are blurred averages of many",
    ),
    "coverage": ("Coverage", "Part of the test images that some decoded draw is as close to as their 5th neighbour"),
}

MEASURES: dict[str, Measure] = {
    "classes_missing": Measure(
        group="Classes of the draws",
        title="Classes missing among the draws",
        unit="classes",
        better="lower",
        words="How many classes are the likeliest one of less than 1 % of the decoded draws, as a small network says "
        "that was trained on real images.",
    ),
    # No side is better: where the data's own classes are uneven, the largest entropy is not theirs, and images that
    # are like no class are spread over all of them.
    "class_entropy": Measure(
        group="Classes of the draws",
        title="Entropy of the classes among the draws",
        unit="nats",
        better=None,
        words="How evenly the decoded draws spread over the classes, each counted as its likeliest one by a small "
        "network trained on real images: log C where all C classes are equally frequent, 0 where all draws are of one.",
    ),
    "holes": Measure(
        group="Draws where no code lies",
        title="Hole share",
        unit="share",
        better="lower",
        words="Part of the draws that land where codes are scarcer than at 99 % of the codes.",
    ),
    "round_trip_median": Measure(
        group="Round trip",
        title="Round trip, median",
        unit="code std",
        better="lower",
        words="How far a latent point moves when it is decoded and encoded again; half of the draws move less.",
    ),
    "round_trip_90": Measure(
        group="Round trip",
        title="Round trip, 90 % quantile",
        unit="code std",
        better="lower",
        words="How far a latent point moves when it is decoded and encoded again; 90 % of the draws move less.",
    ),
    "recognised_mlp": Measure(
        group="Recognisable images",
        title="Decoded draws, network",
        unit="share",
        better="higher",
        jury="draws",
        words=f"Part of the decoded draws to which {_CLASSIFIER} (a small network).",
    ),
    "recognised_knn": Measure(
        group="Recognisable images",
        title="Decoded draws, nearest neighbours",
        unit="share",
        better="higher",
        jury="draws",
        words=f"Part of the decoded draws to which {_CLASSIFIER} (nearest neighbours).",
    ),
    "path_recognised_mlp": Measure(
        group="Recognisable images",
        title="Along paths, network",
        unit="share",
        better="higher",
        jury="paths",
        words=f"Part of {_PATHS} to whose images {_CLASSIFIER} (a small network).",
        sampled=False,
    ),
    "path_recognised_knn": Measure(
        group="Recognisable images",
        title="Along paths, nearest neighbours",
        unit="share",
        better="higher",
        jury="paths",
        words=f"Part of {_PATHS} to whose images {_CLASSIFIER} (nearest neighbours).",
        sampled=False,
    ),
    "fidelity": Measure(
        group="Recognisable images",
        title="Same class after reconstruction, network",
        unit="share",
        better="higher",
        words="Part of the test images whose reconstruction, decoded from the posterior mean, is of the same class as "
        "the image itself, as a small network trained on real images says of both.",
        sampled=False,
    ),
    **{
        f"{name}_{space}": Measure(
            group=f"Precision and recall, {space}",
            title=f"{title}, {space}",
            unit="ratio" if name == "density" else "share",
            better=None if name == "density" else "higher",
            words=f"{words}; distances {where}.",
        )
        for space, where in _SPACES.items()
        for name, (title, words) in _NEIGHBOURS.items()
    },
    "kl_to_prior": Measure(
        group="Codes against the prior",
        title="KL from all posteriors together to the prior",
        unit="nats",
        better="lower",
        words="How badly the prior describes where the posteriors lie, taken together; at most so much, ≤, where the "
        "information below is at least so much, ≥.",
        sampled=False,
    ),
    "mutual_information": Measure(
        group="Codes against the prior",
        title="Mutual information of image and z",
        unit="nats",
        better="higher",
        words="How much z tells about which image it stands for; with the KL above it makes up the mean rate. It "
        "cannot exceed log N of the N images that are taken; within 3 nats of that it is at least so much, ≥.",
        sampled=False,
    ),
    "smoothness": Measure(
        group="Smoothness",
        title="Steepest over usual change",
        unit="ratio",
        better="lower",
        words="How much faster the decoded image changes at the steepest 1 % of the draws than at the median draw.",
    ),
}

FIELDS: dict[str, Field] = {
    "density": Field(
        title="Density of codes",
        unit="nats",
        better="higher",
        gap="no codes",
        words="How dense the codes are, against the level that 99 % of them reach: a hole is where it is below 0.",
    ),
    "round_trip": Field(
        title="Round trip",
        unit="code std",
        better="lower",
        gap="gap: leads elsewhere",
        words="How far the point moves when it is decoded and encoded again: where the image belongs to another place.",
    ),
    "doubt": Field(
        title="Doubt of the network classifier",
        unit="probability",
        better="lower",
        gap="gap: no clear class",
        words="What is left of 1 beside the likeliest class: how unsure a classifier of real images is.",
        needs=frozenset({"judges"}),
    ),
    "nearest": Field(
        title="Distance to the nearest test image",
        unit="grey level, 0 to 1",
        better="lower",
        gap="gap: like no image",
        words="Root mean square difference, over the pixels, to the test image that the decoded one is most like.",
        needs=frozenset({"images"}),
    ),
    "speed": Field(
        title="Change of the decoded image",
        unit="intensity per code std",
        better="lower",
        gap="seam",
        words="How fast the decoded image changes with z: high along the seams between regions of alike images.",
    ),
}


def compare(
    name: str, a: Score | None, b: Score | None, errors: float = 2.0, bounds: tuple[bool, bool] = (False, False)
) -> int:
    """Returns 1 where a is better than b, -1 where b is, and 0 where nobody can tell.

    Nobody can where one of them does not exist, where neither direction is better, where they lie
    less than so many standard errors of their difference apart, or where the worse one is a bound:
    what is at least so good may be better than the other.
    """
    better = MEASURES[name].better
    if a is None or b is None or better is None or abs(a.value - b.value) <= errors * math.hypot(a.error, b.error):
        return 0
    first = (a.value < b.value) == (better == "lower")
    if bounds[first]:
        return 0
    return 1 if first else -1


def is_bound(information: Score | None, images: int) -> bool:
    r"""Says whether an information of N images is less than that of all images there could be.

    The mixture :math:`q(z)` of N posteriors holds the image's own with a weight of 1/N. Where the
    information is :math:`\log N - c`, the own one makes up some :math:`e^{-c}` of :math:`q(z)`, and
    the information, whose mixture should hold it with no weight, is too small by as many nats.
    """
    return information is not None and information.value > math.log(images) - NEAR


def pool(scores: Sequence[Score | None]) -> Score | None:
    """Returns the mean of repeated measurements on the same images with other draws.

    Draws differ, so their part of the error falls with the number of repetitions; it is the larger
    of what each measurement says of itself and of how far they lie apart. The images are the same.
    """
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return None
    value, draws, images = np.array(known).T
    apart = value.std(ddof=1) if len(known) > 1 else 0.0
    within = np.sqrt(np.mean(draws**2))
    return Score(float(value.mean()), float(max(apart, within) / math.sqrt(len(known))), float(np.mean(images)))


def parts(count: int) -> NDArray[np.float32]:
    """Returns which of the jackknife's groups each of many belongs to, `(count, GROUPS)` of zeros and ones."""
    membership: NDArray[np.float32] = np.eye(GROUPS, dtype=np.float32)[np.arange(count) % GROUPS]
    return membership


def jackknife(left_out: ArrayLike) -> float:
    r"""Returns the standard error of a figure from its values without each group, `(G,)`.

    .. math:: \sqrt{\frac{G - 1}{G} \sum_g (\theta_{-g} - \bar\theta)^2}

    References:
        | The Jackknife and Bootstrap (Shao & Tu, 1995), section 2.3
    """
    values = np.asarray(left_out, np.float64)
    return float(np.sqrt((len(values) - 1) * values.var()))


def binomial(hits: float, count: int) -> float:
    r"""Returns the standard error of a share; not zero where all or none were hit.

    .. math:: \sqrt{p (1 - p) / n}, \quad p = \frac{h + 1}{n + 2}
    """
    share = (hits + 1) / (count + 2)
    return math.sqrt(share * (1 - share) / count)


def quantile(values: ArrayLike, share: float) -> tuple[float, float]:
    r"""Returns a quantile and its standard error: half of what lies between the quantiles one error of rank apart.

    The rank of a quantile is binomial, so that :math:`q \pm \sqrt{q (1 - q) / n}` bracket it
    whatever the distribution is.
    """
    values = np.asarray(values, np.float64)
    rank = math.sqrt(share * (1 - share) / len(values))
    low, middle, high = np.quantile(values, [max(share - rank, 0), share, min(share + rank, 1)])
    return float(middle), float(high - low) / 2
