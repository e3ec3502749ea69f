"""The conformance page, the code and the tests it names cannot disagree; nor can it and the real client."""

import ast
import functools
import types
from pathlib import Path

import conformance
import pytest

import localart
from localart.errors import NotLocalError

TESTS = Path(__file__).parents[1]
GROUPS = conformance.read_members()
EVERY = [(group, member) for group, members in GROUPS.items() for member in members]
NAMED = [pytest.param(group, member, id=f"{group}.{member.name}") for group, member in EVERY]


@functools.cache
def names_of_tests(path):
    tree = ast.parse((TESTS / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.fixture
def things():
    """One of each class, as users hold it."""
    with localart.init(project="p") as run:
        draft = localart.Artifact("ds", type="dataset")
        with draft.new_file("f") as file:
            file.write("x")
        run.log_artifact(draft)
    api = localart.Api()
    return {
        "Artifact": api.artifact("p/ds:v0"),
        "Run": run,
        "Api": api,
        "PublicRun": api.run(f"p/{run.id}"),
        "ArtifactCollection": api.artifact_collection("dataset", "p/ds"),
        "Table": localart.Table(columns=["a"], data=[[1]]),
        "Image": localart.Image([[0, 1], [1, 0]]),
        "module": localart,
    }


def test_the_page_is_what_the_members_say():
    assert conformance.PAGE.read_text() == conformance.page()  # else: python tests/parity/conformance.py


@pytest.mark.parametrize(("group", "member"), NAMED)
def test_each_member_has_a_state_a_reason_and_a_test_that_is_there(group, member):
    assert member.state in conformance.STATES
    assert member.state == "works" or member.why
    if not member.is_absent:
        path, _, name = member.test.partition("::")
        assert name in names_of_tests(path)


def test_each_member_is_there_unless_the_page_says_it_is_absent(things):
    for group, member in EVERY:
        try:
            found = hasattr(things[group], member.name)
        except NotLocalError:
            found = True
        assert found is not member.is_absent, f"{group}.{member.name}"


def test_nine_of_ten_members_of_artifacts_and_runs_work():
    for group in ("Artifact", "Run"):
        works = sum(member.state == "works" for member in GROUPS[group])
        assert works >= 0.9 * len(GROUPS[group])


def test_no_public_member_of_the_real_client_is_missing_from_the_page():
    wandb = pytest.importorskip("wandb")
    if wandb.__version__ != "0.31.0":
        pytest.skip("the page is about wandb 0.31.0")
    from wandb.apis import public

    classes = {
        "Artifact": wandb.Artifact, "Run": wandb.Run, "Api": wandb.Api, "PublicRun": public.Run,
        "ArtifactCollection": public.ArtifactCollection, "Table": wandb.Table, "Image": wandb.Image,
    }  # fmt: skip
    real = {group: {name for name in dir(one) if not name.startswith("_")} for group, one in classes.items()}
    real["module"] = {
        name
        for name in dir(wandb)
        if not name.startswith("_")
        and name != "annotations"  # of __future__
        and not isinstance(getattr(wandb, name), types.ModuleType)
    }
    assert {group: {member.name for member in members} for group, members in GROUPS.items()} == real
