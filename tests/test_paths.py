"""Paths against great circles, lengths and angles worked out another way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from vae_explorer.latent.paths import PATHS, Doubles, Path, slerp, straight

POINTS = np.random.RandomState(0).randn(4, 3)


def lengths(path: Doubles) -> Doubles:
    return np.array([np.linalg.norm(b - a) for a, b in pairwise(path)])


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_point_is_there_exactly_and_once(path: Path, steps: int, dtype: type) -> None:
    points: Doubles = POINTS.astype(dtype)
    result = path(points, steps)
    assert result.shape == (3 * steps + 1, 3)
    assert np.array_equal(result[::steps], points)
    assert len(np.unique(result, axis=0)) == len(result)


@pytest.mark.parametrize("path", PATHS.values())
def test_what_is_no_path_is_refused(path: Path) -> None:
    for points, steps in ((POINTS[:1], 3), (POINTS[0], 3), (POINTS, 0)):
        with pytest.raises(ValueError, match="a path needs"):
            path(points, steps)


def test_straight_steps_are_the_same_within_a_segment() -> None:
    path = straight(POINTS, 5)
    for k in range(3):
        steps = np.diff(path[5 * k : 5 * k + 6], axis=0)
        assert np.allclose(steps, (POINTS[k + 1] - POINTS[k]) / 5)


def test_slerp_in_space_is_a_rotation_about_the_normal() -> None:
    a, b = 2 * POINTS[0] / np.linalg.norm(POINTS[0]), 2 * POINTS[1] / np.linalg.norm(POINTS[1])
    normal = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    angle = np.arccos(a @ b / 4)
    turns = Rotation.from_rotvec(np.linspace(0, angle, 9)[:, None] * normal)
    path = slerp([a, b], 8)
    assert np.allclose(path, turns.apply(a))
    assert np.allclose(np.linalg.norm(path, axis=1), 2)
    assert np.allclose(lengths(path), 4 * np.sin(angle / 16)), "equal radii: equal steps"


@pytest.mark.parametrize("axes", [2, 3, 20])
def test_slerp_equals_shoemakes_formula_at_equal_radii(axes: int) -> None:
    a, b = np.random.RandomState(axes).randn(2, axes)
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    angle = np.arccos(a @ b / (a @ a))
    t = np.linspace(0, 1, 6)[:, None]
    assert np.allclose(slerp([a, b], 5), (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))


def test_slerp_changes_radius_and_angle_evenly() -> None:
    path = slerp([[1, 0], [0, 3]], 4)
    assert np.allclose(np.hypot(*path.T), [1, 1.5, 2, 2.5, 3])
    assert np.allclose(np.degrees(np.arctan2(path[:, 1], path[:, 0])), [0, 22.5, 45, 67.5, 90])


def test_slerp_takes_the_shorter_way_round() -> None:
    path = slerp([[1, 0.1], [-1, 0.1], [1, 0.3]], 10)
    assert (path[:, 1] > 0).all(), "above the origin, there and back"


@pytest.mark.parametrize(
    "pair", [([0, 0, 0], [1, 2, 3]), ([1, 2, 3], [0, 0, 0]), ([1, 2, 3], [3, 6, 9]), ([0] * 3,) * 2]
)
def test_slerp_is_straight_where_nothing_turns(pair: tuple[list[float], list[float]]) -> None:
    assert np.allclose(slerp(pair, 6), straight(pair, 6), atol=1e-12)


def test_opposite_ends_turn_counter_clockwise_in_the_first_two_axes() -> None:
    assert np.allclose(slerp([[1, 0], [-2, 0]], 2)[1], [0, 1.5])
    assert np.allclose(slerp([[0.3, 0.7], [-0.3, -0.7]], 2)[1], [-0.7, 0.3])
    assert np.allclose(slerp([[0, 2, 0], [0, -2, 0]], 2)[1], [-2, 0, 0])
    tilted = slerp([[3, 0, 4], [-3, 0, -4]], 2)
    assert np.allclose(tilted[1], [0, 5, 0])
    for a in (np.array([0, 0, 1]), np.array([1])):
        pair = np.outer([1, -2], a)
        assert np.allclose(slerp(pair, 4), straight(pair, 4))


def test_rounding_does_not_choose_the_turn_of_opposite_ends() -> None:
    for angle in np.linspace(0, 2 * np.pi, 50):
        a = np.array([np.cos(angle), np.sin(angle)])
        assert np.allclose(slerp([0.7 * a, -1.3 * a], 2)[1], [-a[1], a[0]])


@pytest.mark.parametrize("tilt", [1e-3, 1e-8, 1e-12, 1e-15, -1e-3, -1e-8])
def test_slerp_is_continuous_near_the_ends_of_its_range(tilt: float) -> None:
    """Almost parallel is straight, almost opposite keeps the radius, on the side that is nearer."""
    assert np.allclose(slerp([[1.0, 0.0], [2.0, tilt]], 8), straight([[1.0, 0.0], [2.0, tilt]], 8), atol=abs(tilt))
    turned = slerp([[1.0, 0.0], [-1.0, tilt]], 8)
    assert np.allclose(np.hypot(*turned.T), 1, atol=1e-6)
    assert turned[4, 1] == pytest.approx(np.sign(tilt), abs=1e-3)
