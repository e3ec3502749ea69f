"""Verbs of W&B's command line that a folder has no use for: each says what holds and names the local way."""

import json

import pytest

from localart.cli.exit_codes import ExitCode
from localart.cli.wandb_verbs import VERBS

# As `wandb --help` lists them in 0.31.0.
WANDB = """
agent artifact beta clean controller disabled docker docker-run enabled init job launch launch-agent launch-sweep leet
login offline online pull purge-cache restore scheduler server status sweep sweep-scheduler sync verify
"""


def test_every_verb_of_w_and_b_is_known(cli):
    for name in WANDB.split():
        result = cli(name, "--help")
        assert result.stdout.startswith(f"Usage: localart {name}")
        assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", sorted(VERBS))
def test_a_verb_says_what_holds_and_ends_as_documented(cli, name, talkative, store):
    verb = VERBS[name]

    result = cli(name, code=ExitCode.OK if verb.holds else ExitCode.NOT_LOCAL)

    assert result.stdout == ""
    assert verb.says in result.stderr
    assert verb.hint in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert not store.exists()


@pytest.mark.parametrize("name", sorted(VERBS))
def test_a_verb_as_json_is_one_document(cli, name):
    result = cli(name, "--json", code=None)

    said = json.loads(result.stdout)
    assert said == {
        "command": name, "done": VERBS[name].holds, "message": VERBS[name].says, "hint": VERBS[name].hint,
    }  # fmt: skip
    assert result.stderr == ""


def test_a_verb_takes_whatever_w_and_b_s_would(cli):
    cli("login", "--relogin", "--host", "https://example.org", "a" * 40, code=0)
    cli("sync", "--sync-all", "-p", "demo", "wandb/run-1", code=ExitCode.NOT_LOCAL)
    cli("launch", "-u", "x", "--queue", "default", code=ExitCode.NOT_LOCAL)


def test_what_is_told_names_commands_that_exist():
    import re

    from localart.cli.app import COMMANDS

    told = {
        name
        for verb in VERBS.values()
        for name in re.findall(r"`localart ([a-z-]+)", f"{verb.says} {verb.hint}")
    }

    assert told <= set(COMMANDS) | {"--help"}
    assert len(told) > 5


def test_verbs_are_not_on_the_help_page_and_are_not_guessed_at(cli):
    text = cli("--help").stdout

    assert "launch" not in text
    assert "\n  login" not in text
    assert "did you mean" not in cli("zzzz", code=2).stderr
