"""Every help page ends with examples, and they do what they say in the store that `localart demo` leaves behind."""

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import localart
from localart.cli.app import COMMANDS, app
from localart.cli.command import ShownByExample
from localart.demo.main import run_demo

# What a test of its own runs, for it takes seconds or a terminal.
ONLY_READ = {
    "localart demo",
    "localart demo --change",
    "localart bench data",
    "localart bench data --rounds 5 --beside ..",
    "localart tui",
    "localart tui digits-demo/worst-digits",
    "localart tui run:ID",
}
BEFORE = {
    "localart unlink model-registry/digits:v0": "localart link digits-demo/trained-digits-net model-registry/digits",
    "localart undo": "localart tag digits-demo/digits-raw:v0 odd",
    "localart undo --dry-run": "localart tag digits-demo/digits-raw:v0 odd",
}
ANSWERS = {"localart diff": 1}  # as diff(1): they differ


def pages(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from pages(command, (*words, name))


def examples() -> list[str]:
    found = [one for _, command in pages(app) for one in getattr(command, "examples", ())]
    return list(dict.fromkeys(found))


def words_of(example: str, ids: list[str]) -> list[str]:
    """The arguments that a shell would hand on."""
    words = shlex.split(example.partition(" >")[0])
    meant = {"ID": ids[0], "run:ID": f"run:{ids[0]}", "run:OTHER": f"run:{ids[1]}"}
    assert words[0] == "localart"
    return [meant.get(word, word) for word in words[1:]]


@pytest.fixture(scope="module")
def after_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store as `localart demo` leaves it, and the ids of two runs in it."""
    from localart.repository.opening import close_all

    store = tmp_path_factory.mktemp("demo") / "store"
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("LOCALART_", "WANDB_")):
                patch.delenv(name)
        patch.setenv("LOCALART_DIR", str(store))
        patch.setenv("LOCALART_SILENT", "1")
        run_demo(echo=lambda _text: None)
        ids = [run.id for run in localart.Api().runs("digits-demo")]
        close_all()
    return store, ids


@pytest.fixture
def place(after_demo: tuple[Path, list[str]], store: Path, workdir: Path, cli) -> list[str]:
    """Files of one's own beside the demo's store, and a backup; the ids of two runs."""
    shutil.copytree(after_demo[0], store)
    (workdir / "data").mkdir()
    (workdir / "data" / "rows.csv").write_text("a,b\n1,2\n")
    (workdir / "report.md").write_text("# A report\n")
    cli("backup", "../backup")
    return after_demo[1]


@pytest.mark.parametrize(
    ("words", "command"), list(pages(app)), ids=lambda one: "-".join(one) if isinstance(one, tuple) else ""
)
def test_a_help_page_ends_with_examples_of_its_own_command(cli, words, command):
    """Fails when a command is made without `examples`, or they are not shown."""
    text = cli(*words, "--help").stdout

    assert isinstance(command, ShownByExample)
    shown = text.partition("\nExamples:\n")[2].splitlines()
    assert [line.strip() for line in shown] == list(command.examples)
    # `artifact put` is `put`, and shows its examples.
    own = f"localart {words[-1] if words[-1] in COMMANDS else ' '.join(words)}"
    assert any(one == own or one.startswith(f"{own} ") for one in command.examples)


@pytest.mark.parametrize("example", examples())
def test_an_example_runs_as_it_stands_after_the_demo(cli, place, example):
    """Fails when an example names an option or an artifact that there is not."""
    arguments = words_of(example, place)
    if example in ONLY_READ:
        with app.make_context("localart", arguments) as ctx:
            command = app.get_command(ctx, arguments[0])
            assert command is not None
            command.make_context(arguments[0], arguments[1:], parent=ctx)
        return
    if example in BEFORE:
        cli(*words_of(BEFORE[example], place))

    result = cli(*arguments, code=None)

    assert result.exit_code == next(
        (code for start, code in ANSWERS.items() if example.startswith(start)), 0
    ), result.stderr
    assert not result.stderr.startswith("localart: ")
