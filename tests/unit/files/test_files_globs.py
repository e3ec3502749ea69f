"""Patterns name the paths a user would think they name."""

import time

import pytest

from localart.errors import InvalidName
from localart.files.globs import path_matcher

PATHS = ["labels.csv", "images/a.png", "images/b.jpg", "images/deep/c.png", "train/x.csv", "a/train/y/z.csv"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.png", ["images/a.png", "images/deep/c.png"]),
        ("images/*.png", ["images/a.png"]),
        ("images/*", ["images/a.png", "images/b.jpg"]),
        ("images/", ["images/a.png", "images/b.jpg", "images/deep/c.png"]),
        ("images/**", ["images/a.png", "images/b.jpg", "images/deep/c.png"]),
        ("**/train/**/*.csv", ["train/x.csv", "a/train/y/z.csv"]),
        ("*/train/**", ["a/train/y/z.csv"]),
        ("/*.csv", ["labels.csv"]),
        ("labels.csv", ["labels.csv"]),
        ("**", PATHS),
        ("*", PATHS),
        ("**/**/z.csv", ["a/train/y/z.csv"]),
        ("[a-l]*.csv", ["labels.csv"]),
        ("images/[!a].???", ["images/b.jpg"]),
        ("IMAGES/*", []),
        ("images", []),
        ("labels.csv/**", []),
    ],
)
def test_a_pattern_finds_what_it_says(pattern, found):
    is_wanted = path_matcher([pattern])

    assert [path for path in PATHS if is_wanted(path)] == found


def test_one_of_several_patterns_is_enough():
    is_wanted = path_matcher(["*.jpg", "/*.csv"])

    assert [path for path in PATHS if is_wanted(path)] == ["labels.csv", "images/b.jpg"]


@pytest.mark.parametrize("pattern", ["", "/"])
def test_a_pattern_that_names_nothing_is_refused(pattern):
    with pytest.raises(InvalidName, match="matches no path"):
        path_matcher([pattern])


def test_no_pattern_takes_long():
    """Fails by minutes when `**` or `*` is followed by going back and forth, as one regular expression does."""
    is_wanted = path_matcher(["**/a/" * 12 + "b", "*a" * 30 + "b"])
    began = time.monotonic()

    assert not is_wanted("a/" * 60 + "c")
    assert not is_wanted("a" * 250)
    assert time.monotonic() - began < 1
