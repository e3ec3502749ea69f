"""`localart alias` moves, logs and protects aliases, also those of portfolios; `link` and `unlink` make those."""

import pytest
from cli_callers import new_version


@pytest.fixture
def linked(filled: None, cli) -> None:
    """model:v0 is models:v0 with alias prod, model:v1 is models:v1."""
    new_version("model", "second", type="model")
    cli("link", "model:v0", "models", "-a", "prod")
    cli("link", "model:v1", "models")


def test_link_gives_a_version_a_place_and_unlink_takes_it(filled, cli, facts):
    said = facts("link", "model:v0", "team/models", "-a", "prod", "-a", "eu")

    assert said["link"] == "team/models:v0"
    assert said["aliases"] == ["eu", "latest", "prod"]
    assert facts("show", "team/models:prod")["address"] == "digits/model:v0"
    assert cli("unlink", "team/models:prod").stdout == "team/models:v0\n"
    assert "has no version or alias" in cli("show", "team/models:prod", code=1).stderr
    cli("undo")
    assert facts("show", "team/models:eu")["address"] == "digits/model:v0"


def test_unlink_never_guesses(linked, cli):
    assert "Which link" in cli("unlink", "models", code=2).stderr
    assert "is a version, not a link" in cli("unlink", "model:v0", code=2).stderr


def test_an_alias_of_a_portfolio_moves_there_and_not_in_the_source(linked, cli, facts):
    assert cli("alias", "models:v1", "prod").stdout == "digits/models:v1\n"

    assert facts("show", "models:prod")["address"] == "digits/model:v1"
    assert facts("show", "model:v1")["aliases"] == ["latest"]
    said = facts("alias", "models:v1", "prod", "--remove")
    assert said["aliases"] == ["latest"]
    assert "has no alias" in cli("alias", "models:v1", "prod", "--remove", code=1).stderr


def test_the_log_tells_where_aliases_pointed(linked, cli, facts):
    cli("alias", "models:v1", "prod")
    cli("alias", "models:v1", "prod", "--remove")

    found = facts("alias", "log", "models:prod")["changes"]

    assert [one["version"] for one in found] == [None, "digits/model:v1", "digits/model:v0"]
    lines = cli("alias", "log", "models").stdout.splitlines()
    assert lines[0].split() == ["CHANGE", "TIME", "ALIAS", "POINTED", "TO"]
    assert "(taken off)" in lines[1]


def test_a_version_is_found_by_what_an_alias_pointed_to_then(linked, cli, facts):
    moment = facts("alias", "log", "models:prod")["changes"][0]["time"]
    cli("alias", "models:v1", "prod")

    assert facts("show", f"models:prod@{moment}")["address"] == "digits/model:v0"
    assert facts("show", "models:prod")["address"] == "digits/model:v1"
    assert "pointed nowhere" in cli("show", "models:prod@2001-01-01", code=1).stderr


def test_a_protected_alias_moves_only_by_force(linked, cli, facts, talkative):
    assert "protected aliases: prod" in cli("alias", "protect", "models", "prod").stderr

    result = cli("alias", "models:v1", "prod", code=1)
    assert "is protected" in result.stderr
    assert "--force" in result.stderr
    assert "is protected" in cli("rm", "model:v0", "--with-aliases", "--yes", code=1).stderr
    cli("alias", "models:v1", "prod", "--force")

    assert facts("show", "models:prod")["address"] == "digits/model:v1"
    assert facts("alias", "protect", "models")["protected"] == ["prod"]
    assert facts("alias", "unprotect", "models", "prod")["protected"] == []
    cli("alias", "models:v0", "prod")


def test_all_aliases_are_set_or_none(linked, cli, facts):
    cli("alias", "protect", "models", "prod")

    cli("alias", "models:v1", "fresh", "prod", code=1)

    assert "has no version or alias" in cli("show", "models:fresh", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log", "a", "b"], "takes one NAME"),
        (["protect", "models:v0", "x"], "whole artifact"),
        (["protect", "models", "x", "--remove"], "unprotect"),
    ],
)
def test_what_alias_cannot_mean_is_a_usage_error(linked, cli, arguments, message):
    assert message in cli("alias", *arguments, code=2).stderr


def test_an_artifact_called_log_is_reached_by_its_alias(filled, cli, facts):
    new_version("log", "text")

    cli("alias", "log:latest", "best")

    assert facts("show", "log:best")["address"] == "digits/log:v0"
