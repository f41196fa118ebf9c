"""Gaps: how much of the latent space decodes to images that are not like data, by seven kinds of measures."""

from vae_explorer.latent.gaps.classes import ClassShares, class_grid, shares
from vae_explorer.latent.gaps.classifier import Classifier, can_judge, fit_classifier
from vae_explorer.latent.gaps.fields import FieldAnswer, gap_field, worst_spots
from vae_explorer.latent.gaps.measures import FIELDS, MEASURES, Field, Measure, Score, compare, pool
from vae_explorer.latent.gaps.recognition import JUDGES, Judges, fit_judges
from vae_explorer.latent.gaps.sampling import SAMPLINGS, Mixture, draw, fit_mixture

__all__ = [
    "FIELDS",
    "JUDGES",
    "MEASURES",
    "SAMPLINGS",
    "ClassShares",
    "Classifier",
    "Field",
    "FieldAnswer",
    "Judges",
    "Measure",
    "Mixture",
    "Score",
    "can_judge",
    "class_grid",
    "compare",
    "draw",
    "fit_classifier",
    "fit_judges",
    "fit_mixture",
    "gap_field",
    "pool",
    "shares",
    "worst_spots",
]
