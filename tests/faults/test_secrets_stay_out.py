"""Nothing private is recorded about how a run was started, however it is written."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import localart
from localart.repository.opening import close_all
from localart.runs.redact import redact, redact_arguments

SECRET = "hunter2Zx9"
SPELLINGS = [
    ["--password", SECRET],
    [f"--db-password={SECRET}"],
    [f"password='{SECRET} and more {SECRET}'"],
    ['{"password": "' + SECRET + '", "rate": 3}'],
    [f"{{'api_key': '{SECRET}'}}"],
    [f"https://me:p@{SECRET}@host/x?rate=3"],
    [f"postgresql://me:{SECRET}@host:5432/db"],
    [f"Authorization: Bearer {SECRET}"],
    [f"Authorization: Basic {SECRET}=="],
    [f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----"],
    [f"-----BEGIN PRIVATE KEY-----\n{SECRET}"],
    [f"WANDB_API_KEY={SECRET}"],
    [f"pypi-{SECRET * 3}"],
    [f"npm_{SECRET * 3}"],
]


@pytest.mark.parametrize("arguments", SPELLINGS, ids=lambda given: ascii(given[0])[:24])
def test_no_byte_of_a_secret_on_the_command_line_is_in_the_store(arguments, store, monkeypatch):
    """Seen to fail without the quotes in `_VALUE`, and with a user info that ends at the first @."""
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments, "--rate", "3"])
    with localart.init(project="p") as run:
        run.log({"x": 1})
    close_all()

    assert SECRET not in str(redact_arguments(arguments))
    for path in store.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    "text",
    [
        "keyboard=qwerty tokenizer.json",
        "https://host/x?mail=me@host",
        "basic training",
        "--monkey=3",
        "bearer of news",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text


@given(st.text(max_size=200))
def test_any_text_can_be_looked_through(text):
    assert isinstance(redact(text), str)
