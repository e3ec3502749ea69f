"""Every public member of W&B's `Api` and public `Run` is here, and either works or names the local way."""

import os
from typing import Any

import pytest

import localart
from localart.api import PublicRun
from localart.errors import CommError, NotLocalError


def words(text: str) -> list[str]:
    return text.split()


# As `dir()` lists them in wandb 0.31.0.
API = words("""
artifact artifact_collection artifact_collection_exists artifact_collections artifact_exists artifact_type
artifact_types artifact_versions artifacts automation automations create_automation create_custom_chart create_project
create_registry create_run create_run_queue create_team create_user default_entity delete_automation flush from_path
integrations job list_jobs organization project projects queued_run registries registry reports run run_queue runs
slack_integrations sweep sync_tensorboard team update_automation upsert_run_queue user user_agent users viewer
webhook_integrations
""")
RUN = words("""
beta_scan_history config console_logs create delete display download_history_exports entity file files history id
json_config lastHistoryStep load load_full_data log_artifact logged_artifacts metadata name path rawconfig save
scan_history snake_to_camel state stop storage_id summary summary_metrics sweep sweep_name system_metrics to_html update
update_state upload_file url use_artifact used_artifacts username wait_until_finished
""")
FILE = words("delete display download path_uri size snake_to_camel to_html")
PROJECT = words("artifacts_types collections display id owner path snake_to_camel sweeps to_html url")
TYPE = words("collection collections id load name")
LIST = words("cursor more next")

SERVER_ONLY = words("""
automation automations create_automation update_automation delete_automation create_custom_chart create_run_queue
upsert_run_queue run_queue queued_run job list_jobs create_team team create_user user users organization integrations
slack_integrations webhook_integrations reports sweep sync_tensorboard
""")


@pytest.fixture
def filled() -> None:
    """A run `one` in project `demo` with a dataset, a model and a file; an empty project `other`."""
    with localart.init(project="demo", id="one") as run:
        for name, kind in (("data", "dataset"), ("net", "model"), ("data-two", "dataset")):
            artifact = localart.Artifact(name, type=kind)
            with artifact.new_file("a.txt", "w") as file:
                file.write(name)
            run.log_artifact(artifact)
    localart.Api().create_project("other", "")


def test_no_member_of_w_and_b_is_missing(filled: None, workdir: Any) -> None:
    (workdir / "x.txt").write_text("x")
    api = localart.Api()
    run = api.run("demo/one")
    file = run.upload_file("x.txt")

    assert (len(API), len(RUN)) == (47, 42)
    for thing, members in (
        (api, API), (run, RUN), (file, FILE), (api.project("demo"), PROJECT), (api.artifact_type("model"), TYPE),
        (api.runs("demo"), [*LIST, "histories", "upgrade_to_full"]), (api.artifacts("model", "net"), LIST),
        (api.projects(), LIST), (run.files(), LIST), (run.logged_artifacts(), LIST),
    ):  # fmt: skip
        assert [name for name in members if not hasattr(thing, name)] == [], type(thing)


@pytest.mark.parametrize("member", SERVER_ONLY)
def test_what_only_a_server_could_do_says_so_and_names_the_local_way(member: str) -> None:
    with pytest.raises(NotLocalError) as raised:
        getattr(localart.Api(), member)("anything", of="any kind")

    assert raised.value.hint
    assert isinstance(raised.value, NotImplementedError)


def test_there_is_no_client_to_send_graphql_to() -> None:
    with pytest.raises(NotLocalError, match="no server"):
        _ = localart.Api().client


def test_the_api_needs_no_key_and_knows_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "from-outside")
    api = localart.Api(overrides={"entity": "me"}, timeout=5, api_key="x" * 40)

    assert (api.default_entity, api.api_key, api.settings["project"]) == ("", None, "from-outside")
    assert localart.Api(overrides={"project": "p"}).settings["project"] == "p"
    assert api.user_agent.startswith("localart/")
    assert api.viewer.username == os.environ.get("USER", api.viewer.username)
    assert (api.viewer.entity, api.viewer.teams, api.flush()) == ("", [], None)


# --- projects and types -----------------------------------------------------------------------------------------


def test_projects_are_listed_by_name_with_what_they_hold(filled: None) -> None:
    api = localart.Api()

    assert [(one.name, one.run_count, one.artifact_count) for one in api.projects()] == [
        ("demo", 1, 3),
        ("other", 0, 0),
    ]
    assert (len(api.projects()), api.projects("anyone")[1].name) == (2, "other")
    project = api.project("demo", entity="anyone")
    assert (project.id, project.path, project.entity, project.url) == ("demo", ["", "demo"], "", None)
    assert project.created_at <= api.run("demo/one").created_at
    assert project.owner == api.viewer
    assert (project.createdAt, project.attrs["runCount"]) == (project.created_at, 1)
    assert "demo" in project.to_html()
    with pytest.raises(NotLocalError):
        project.sweeps()


def test_a_project_is_made_once(filled: None) -> None:
    api = localart.Api()
    api.create_project("other", "anyone")

    assert len(api.projects()) == 2
    with pytest.raises(CommError, match="Project name"):
        api.create_project("a/b", "")
    with pytest.raises(CommError, match="No project 'none'"):
        api.project("none")


def test_types_are_listed_by_name(filled: None) -> None:
    api = localart.Api()

    assert [one.name for one in api.artifact_types("demo")] == ["dataset", "model"]
    assert [one.name for one in api.artifact_types("anyone/demo")] == ["dataset", "model"]
    assert [one.name for one in api.artifact_types()] == ["dataset", "model"]
    assert [one.name for one in api.artifact_types("demo", start="dataset")] == ["model"]
    assert [one.name for one in api.project("demo").artifacts_types()] == ["dataset", "model"]
    assert list(api.artifact_types("other")) == []


def test_a_type_has_collections(filled: None) -> None:
    found = localart.Api().artifact_type("dataset", "demo")

    assert (found.name, found.id, found.load()["name"]) == ("dataset", "demo/dataset", "dataset")
    assert [one.name for one in found.collections()] == ["data", "data-two"]
    assert found.collection("data").type == "dataset"
    for call in (lambda: found.collection("net"), lambda: found.collection("none")):
        with pytest.raises(CommError):
            call()
    with pytest.raises(CommError, match="No artifact has type 'nope'"):
        localart.Api().artifact_type("nope", "demo")
    with pytest.raises(CommError, match="No project"):
        localart.Api().artifact_types("none")


def test_collections_are_found_and_listed(filled: None) -> None:
    api = localart.Api()

    assert [one.name for one in api.artifact_collections("demo", "dataset")] == ["data", "data-two"]
    assert len(api.project("demo").collections()) == 3
    assert api.artifact_collection("model", "demo/net").name == "net"
    assert api.artifact_collection_exists("demo/net", "model")
    assert not api.artifact_collection_exists("demo/net", "dataset")
    assert not api.artifact_collection_exists("demo/none", "dataset")


# --- runs -------------------------------------------------------------------------------------------------------


def test_a_made_run_is_empty_and_can_be_continued() -> None:
    api = localart.Api(overrides={"project": "demo"})

    made = api.create_run(run_id="mine")
    again = PublicRun.create(api, project="other")

    assert (made.id, made.project, made.state, made.config) == ("mine", "demo", "finished", {})
    assert (len(again.id), again.project) == (8, "other")
    with localart.init(project="demo", id="mine", resume="must") as run:
        run.log({"x": 1})
    assert api.run("mine").summary == {"x": 1}
    with pytest.raises(localart.Error, match="already exists"):
        api.create_run(run_id="mine")
    with pytest.raises(CommError, match="Run id"):
        api.create_run(run_id="a/b")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("demo", "<Project demo>"),
        ("anyone/demo", "<Project demo>"),
        ("anyone/demo/one", "<Run demo/one (finished)>"),
        ("anyone/demo/runs/one", "<Run demo/one (finished)>"),
    ],
)
def test_a_path_leads_to_a_project_or_a_run(filled: None, path: str, found: str) -> None:
    assert repr(localart.Api().from_path(path)) == found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/b/sweeps/c", NotLocalError),
        ("a/b/reports/Name--id", NotLocalError),
        ("a/b/c/d/e", CommError),
        ("none", CommError),
        ("", CommError),
    ],
)
def test_other_paths_lead_nowhere(path: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        localart.Api().from_path(path)


# --- errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda api: api.artifact("no such name"), id="bad name"),
        pytest.param(lambda api: api.artifact("demo/none"), id="no artifact"),
        pytest.param(lambda api: api.artifact("demo/data:v9"), id="no version"),
        pytest.param(lambda api: api.artifact("demo/data", type="model"), id="other type"),
        pytest.param(lambda api: api.artifacts("model", "demo/data"), id="list of other type"),
        pytest.param(lambda api: api.artifacts("dataset", "demo/data", order="size"), id="order"),
        pytest.param(lambda api: api.artifacts("dataset", "demo/data", start="x"), id="cursor"),
        pytest.param(lambda api: api.artifacts("dataset", "demo/data", per_page=0), id="page"),
        pytest.param(lambda api: api.runs("none"), id="no project"),
        pytest.param(lambda api: api.run("none"), id="no run"),
        pytest.param(lambda api: api.registry("none"), id="no registry"),
        pytest.param(lambda api: api.lineage("demo/none"), id="no lineage"),
    ],
)
def test_every_refusal_is_a_comm_error_with_a_hint(filled: None, call: Any) -> None:
    with pytest.raises(CommError) as raised:
        call(localart.Api())

    assert raised.value.hint
