"""A picture from outside becomes what the data set's images are: each recipe against images of that data set."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]

from vae_explorer import data
from vae_explorer.data import DATASETS, DataError
from vae_explorer.data.preprocess import RECIPES, ground_of, preprocess, preprocess_colours

Grey = NDArray[np.uint8]
SHAPE = (28, 28)


@pytest.fixture(scope="module")
def mnist() -> Grey:
    return data.load("mnist", "test").pixels[:200]


def enlarged(image: Grey, times: int, method: Image.Resampling = Image.Resampling.NEAREST) -> Grey:
    height, width = image.shape
    return np.asarray(Image.fromarray(image).resize((times * width, times * height), method))


def elsewhere(picture: Grey, top: int, left: int, side: int = 600) -> Grey:
    canvas = np.zeros((side, side), np.uint8)
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def centre(image: Grey) -> NDArray[np.float64]:
    """Row and column of the centre of mass."""
    weight = image / image.sum(dtype=float)
    return np.array([weight.sum(1) @ np.arange(len(image)), weight.sum(0) @ np.arange(image.shape[1])])


def strokes(digit: Grey) -> Grey:
    return elsewhere(enlarged(digit, 10), 40, 200)


# MNIST ---------------------------------------------------------------------------------------


def test_mnist_images_come_back_from_large_pictures_of_them(mnist: Grey) -> None:
    """Blocks of pixels are undone exactly; the few others have ink too faint to be told from an empty edge."""
    random = np.random.default_rng(0)
    errors = []
    for image in mnist:
        top, left = random.integers(0, 600 - 280, 2)
        seen = preprocess(elsewhere(enlarged(image, 10), top, left), "mnist", SHAPE).pixels
        errors.append(np.abs(seen.astype(float) - image).mean())
    assert np.median(errors) == 0
    assert np.mean(errors) < 1


def test_blurred_enlargements_come_back_nearly_the_same_and_centred_as_mnist_is(mnist: Grey) -> None:
    errors = []
    for image in mnist:
        picture = elsewhere(enlarged(image, 10, Image.Resampling.BICUBIC), 13, 217)
        seen = preprocess(picture, "mnist", SHAPE).pixels
        assert np.abs(centre(seen) - 14).max() <= 0.51
        assert np.abs(centre(image) - 14).max() <= 0.51, "the data set's own"
        errors.append(np.abs(seen.astype(float) - image).mean())
    assert np.mean(errors) < 8, "of 255"


def test_neither_place_nor_size_matters(mnist: Grey) -> None:
    for image in mnist[:30]:
        once = preprocess(elsewhere(enlarged(image, 5), 7, 300), "mnist", SHAPE).pixels
        moved = preprocess(elsewhere(enlarged(image, 5), 411, 2), "mnist", SHAPE).pixels
        larger = preprocess(elsewhere(enlarged(image, 15), 100, 90), "mnist", SHAPE).pixels
        assert (once == moved).all()
        assert np.abs(once.astype(int) - larger).max() <= 1


def test_a_flat_stroke_keeps_its_proportions_and_its_place_by_mass() -> None:
    picture = np.zeros((140, 140), np.uint8)
    picture[60:80, 20:120] = 255
    prepared = preprocess(picture, "mnist", SHAPE)
    rows, columns = np.nonzero(prepared.pixels)
    assert [np.ptp(rows) + 1, np.ptp(columns) + 1] == [4, 20]
    assert prepared.steps == ("scaled to 20 \u00d7 20", "centred by mass in 28 \u00d7 28")


# What is no clean drawing -----------------------------------------------------------------------


@pytest.mark.parametrize("tone", [0, 255, 130])
@pytest.mark.parametrize("name", [*DATASETS, "mine"])
def test_one_even_tone_is_refused_in_words(tone: int, name: str) -> None:
    with pytest.raises(DataError, match="one even tone"):
        preprocess(np.full((140, 140), tone, np.uint8), name, SHAPE)
    with pytest.raises(DataError):
        preprocess(np.zeros((0, 5), np.uint8), name, SHAPE)


def test_a_photograph_of_dark_ink_on_light_uneven_paper_is_inverted_and_cleared(mnist: Grey) -> None:
    random = np.random.default_rng(1)
    paper = np.linspace(170, 220, 600)[None] + random.normal(0, 4, (600, 600))
    errors = []
    for image in mnist[:20]:
        ink = strokes(image) / 255
        photograph = np.rint(paper * (1 - ink) + 40 * ink).clip(0, 255).astype(np.uint8)
        prepared = preprocess(photograph, "mnist", SHAPE)
        assert prepared.steps[:2] == ("inverted", "paper removed")
        clean = preprocess(strokes(image), "mnist", SHAPE).pixels
        errors.append(np.abs(prepared.pixels.astype(float) - clean).mean())
    assert np.median(errors) < 8, "of 255; some are moved by one pixel"


def test_white_strokes_on_black_are_left_as_they_are_even_where_they_cross_the_border() -> None:
    picture = np.zeros((140, 140), np.uint8)
    picture[:, 60:80] = picture[60:80] = 255
    assert not {"inverted", "paper removed"} & {*preprocess(picture, "mnist", SHAPE).steps}
    assert "inverted" in preprocess(255 - picture, "mnist", SHAPE).steps
    assert (preprocess(255 - picture, "mnist", SHAPE).pixels == preprocess(picture, "mnist", SHAPE).pixels).all()


@pytest.mark.parametrize("name", [*DATASETS, "mine"])
@pytest.mark.parametrize("size", [(1, 2), (3, 500), (500, 3), (28, 28), (31, 17), (1000, 900)])
@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (64, 48)])
def test_any_size_fits_any_shape(name: str, size: tuple[int, int], shape: tuple[int, int]) -> None:
    picture = np.zeros(size, np.uint8)
    picture[size[0] // 3, size[1] // 2] = 255
    seen = preprocess(picture, name, shape).pixels
    assert seen.shape == shape
    assert seen.dtype == np.uint8


# The others -------------------------------------------------------------------------------------


def test_digits_are_counts_of_a_bitmap_in_blocks_of_four() -> None:
    picture = np.zeros((300, 300), np.uint8)
    picture[50:210, 100:200] = 255  # 160 x 100 is 32 x 20, which lies at columns 6 to 26 of 32
    expected = np.tile(np.rint(np.array([0, 8, 16, 16, 16, 16, 8, 0]) * 255 / 16), (8, 1))
    assert (preprocess(picture, "digits", (8, 8)).pixels == expected).all()


def test_digits_of_other_writers_are_recognised_by_what_knows_digits_alone(mnist: Grey) -> None:
    """MNIST's writers are not those of scikit-learn's digits; the recipe brings most of them there."""
    known, others = data.load("digits", "train"), data.load("mnist", "test").labels[:200]
    judge = KNeighborsClassifier(3).fit(known.pixels.reshape(-1, 64), known.labels)

    def share(recipe: str) -> float:
        seen = np.stack([preprocess(strokes(image), recipe, (8, 8)).pixels for image in mnist])
        return float(judge.score(seen.reshape(-1, 64), others))

    assert share("digits") > 0.58
    assert share("digits") > 1.5 * share("mine"), "what no recipe prepared"


def test_circles_keep_their_place_and_radius() -> None:
    """Both are what the data set is about: nothing is cut or centred."""
    factors = np.array([[9.0, 17.0, 4.0]])
    at = (np.arange(280) + 0.5) / 10
    large = 255 * (np.hypot(at - 9, at[:, None] - 17) < 4).astype(np.uint8)
    seen = preprocess(large, "circles", SHAPE).pixels
    assert np.abs(seen.astype(float) - data.draw_circles(factors)[0]).mean() < 1.5
    assert (preprocess(255 - large, "circles", SHAPE).pixels == seen).all()


def test_fashion_is_cut_to_its_outline_and_inverted() -> None:
    product = np.full((200, 300), 255, np.uint8)
    product[30:170, 90:160] = np.linspace(20, 120, 70)
    prepared = preprocess(product, "fashion-mnist", SHAPE)
    assert prepared.steps[0] == "inverted"
    rows, columns = np.nonzero(prepared.pixels)
    assert [np.ptp(rows) + 1, np.ptp(columns) + 1] == [28, 14]
    assert prepared.pixels[14, 7:21].tolist() == sorted(prepared.pixels[14, 7:21], reverse=True)
    assert 130 < prepared.pixels[14, 7:21].min() < prepared.pixels[14, 7:21].max() < 240, "greys stay greys"


def test_letters_are_softened_and_leave_two_pixels_clear() -> None:
    """Cohen et al. (2017), figure 1; the data set itself is not at hand to compare with."""
    picture = np.zeros((128, 128), np.uint8)
    picture[20:110, 40:80] = 255
    seen = preprocess(picture, "emnist", SHAPE).pixels
    (rows,) = np.nonzero(seen.max(1) > 20)
    assert (rows[0], rows[-1]) == (2, 25)
    assert (seen.max(), seen[:2].max()) == (255, 0)
    assert 20 < seen[2].max() < 200, "a soft edge"


def test_data_without_a_recipe_is_fitted_whole_on_its_own_ground() -> None:
    wide = np.tile(np.linspace(20, 250, 120).astype(np.uint8), (40, 1))
    seen = preprocess(wide, "mine", (30, 30), ground=200).pixels
    assert (seen[:10] == 200).all()
    assert (seen[20:] == 200).all()
    assert np.abs(seen[10:20].astype(float) - wide[:1, ::4]).max() < 10
    white = np.zeros((50, 50), np.uint8)
    white[20:30, 20:30] = 255
    assert preprocess(white, "mine", (50, 50), ground=255).steps[0] == "inverted", "light data, dark picture"


def test_the_ground_is_the_tone_of_the_border(mnist: Grey) -> None:
    assert ground_of(mnist) == 0
    assert ground_of(255 - mnist) == 255


def test_every_recipe_names_a_data_set_and_its_source() -> None:
    assert RECIPES.keys() <= DATASETS.keys()
    assert all(recipe.source for recipe in RECIPES.values())


def test_a_picture_in_colours_keeps_them_and_its_proportions() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, :40], picture[:, 40:] = (250, 120, 10), (5, 60, 200)
    pixels, steps = preprocess_colours(picture, (16, 16), ground=30)
    assert (pixels[4:12, :8] == (250, 120, 10)).all()
    assert (pixels[4:12, 8:] == (5, 60, 200)).all()
    assert (pixels[:4] == 30).all()
    assert (pixels[12:] == 30).all()
    assert steps == (f"scaled to 16 {chr(0xD7)} 16",)
    with pytest.raises(DataError, match="one even tone"):
        preprocess_colours(np.full((9, 9, 3), 7, np.uint8), (16, 16))
