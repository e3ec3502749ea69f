"""Errors as words and numbers."""

import errno

import click
import pytest

from localart import errors
from localart.cli.exit_codes import MEANINGS, ExitCode, exit_code_of
from localart.cli.failures import report


def every_error() -> list[type[errors.LocalartError]]:
    found, waiting = [], [errors.LocalartError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.StoreNotFound("x"), 10),
        (errors.StoreBusy("x"), 11),
        (errors.StoreTooNew("x"), 12),
        (errors.StoreFull("x"), 13),
        (errors.TargetFull("x"), 13),
        (OSError(errno.ENOSPC, "No space left on device"), 13),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 13),
        (errors.UnsafeStore("x"), 14),
        (errors.UnsafeTarget("x"), 14),
        (errors.InvalidName("x"), 2),
        (errors.InvalidMetadata("x"), 2),
        (errors.UsageError("x"), 2),
        (errors.NotAStore("x"), 1),
        (errors.ArtifactNotFound("x"), 1),
        (errors.CatalogDamaged("x"), 1),
        (errors.SourceMissing("x"), 1),
        (OSError(errno.EACCES, "Permission denied"), 1),
        (KeyboardInterrupt(), 130),
        (RuntimeError("bug"), 1),
    ],
)
def test_each_error_has_its_exit_code(error, code):
    assert exit_code_of(error) == code


def test_every_exit_code_has_a_meaning():
    assert set(MEANINGS) == set(ExitCode)


@pytest.mark.parametrize("kind", every_error())
def test_an_error_is_one_line_that_says_what_and_one_that_says_what_to_do(capsys, kind):
    report(kind("What happened\nto\x1b[31m you", hint="do this"))

    out, err = capsys.readouterr()
    assert out == ""
    assert err == "localart: What happened\\nto\\x1b[31m you\n  do this\n"


def test_other_errors_are_told_in_words(capsys):
    assert report(PermissionError(errno.EACCES, "Permission denied", "/x")) == 1
    assert report(KeyboardInterrupt()) == 130
    assert report(click.Abort()) == 130
    assert report(click.UsageError("No such thing")) == 2
    assert report(click.ClickException("odd")) == 1
    assert report(MemoryError()) == 1
    assert capsys.readouterr().err.splitlines() == [
        "localart: Permission denied: '/x'",
        "localart: interrupted",
        "  nothing is half done; the same command goes on, or starts anew",
        "localart: interrupted",
        "  nothing is half done; the same command goes on, or starts anew",
        "localart: No such thing",
        "  `localart --help` says how to call it",
        "localart: odd",
        "localart: out of memory",
        "  end other programs and try again",
    ]


def test_a_reader_that_went_away_is_not_worth_a_word(capsys):
    assert report(BrokenPipeError()) == 0
    assert capsys.readouterr().err == ""
