"""The figures hold the data that they were given."""

from __future__ import annotations

import numpy as np
import pytest

from vae_explorer.figures import theme
from vae_explorer.figures.latent_map import latent_map

RANDOM = np.random.default_rng(0)
MEAN = RANDOM.normal(size=(50, 2)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, 50)
NAMES = ("a", "b", "c")
EXTENT = (-4.0, 4.0, -3.0, 5.0)


def test_every_code_is_drawn_once_in_its_class() -> None:
    figure = latent_map(MEAN, LABELS, NAMES, title="", extent=EXTENT)
    assert [trace.name for trace in figure.data] == list(NAMES)
    for k, trace in enumerate(figure.data):
        assert (np.stack([trace.x, trace.y], 1) == MEAN[k == LABELS]).all()
        assert (trace.customdata == np.flatnonzero(k == LABELS)).all()
        assert trace.marker.color == theme.CLASSES[k]


def test_both_axes_have_one_scale_and_the_range_asked_for() -> None:
    figure = latent_map(MEAN, LABELS, NAMES, title="", extent=EXTENT)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.scaleratio in (None, 1)
    assert (*figure.layout.xaxis.range, *figure.layout.yaxis.range) == EXTENT


def test_hidden_classes_begin_switched_off() -> None:
    figure = latent_map(MEAN, LABELS, NAMES, title="", extent=EXTENT, hidden=(1,))
    assert [trace.visible for trace in figure.data] == [True, "legendonly", True]


def test_the_ellipse_lies_at_one_sigma() -> None:
    mean, std = np.array([1.0, -2.0]), np.array([0.5, 0.1])
    figure = latent_map(MEAN, LABELS, NAMES, title="", extent=EXTENT, ellipse=(mean, std))
    outline = np.stack([figure.data[-1].x, figure.data[-1].y], 1)
    assert np.linalg.norm((outline - mean) / std, axis=1) == pytest.approx(1)


def test_the_prior_has_three_circles() -> None:
    figure = latent_map(MEAN, LABELS, NAMES, title="", extent=EXTENT, prior=True)
    radii = [np.hypot(trace.x, trace.y) for trace in figure.data[-3:]]
    for sigma, radius in enumerate(radii, start=1):
        assert radius == pytest.approx(sigma)


def test_colours_come_round_again_after_ten_classes() -> None:
    assert len(theme.class_colours(47)) == 47
    assert theme.class_colours(10) == theme.CLASSES
    assert len(set(theme.class_colours(50))) == 50
