"""What each command says and does, and that its JSON says the same."""

import json
import os
from pathlib import Path

import pytest
from cli_callers import new_version

import localart

pytestmark = pytest.mark.usefixtures("filled")


# --- ls ------------------------------------------------------------------------------------------------


def test_ls_shows_projects_and_artifacts_with_their_latest_version(cli):
    text = cli("ls").stdout

    assert "digits" in text
    (raw,) = [line for line in text.splitlines() if "digits/raw" in line]
    assert raw.split()[:4] == ["digits/raw", "dataset", "1", "v0"]
    assert raw.endswith("best, latest")


def test_ls_as_json_says_the_same(cli, facts):
    said = facts("ls")

    assert [project["project"] for project in said["projects"]] == ["digits"]
    assert said["projects"][0]["runs"] == 3
    assert {one["artifact"]: one["latest"] for one in said["artifacts"]} == {"raw": "v0", "model": "v0"}
    assert {one["artifact"]: one["size_bytes"] for one in said["artifacts"]}["model"] == 256 * 400
    assert "102.4 kB" in cli("ls").stdout


def test_ls_of_a_project_can_be_narrowed_to_a_type(facts):
    assert [one["artifact"] for one in facts("ls", "digits", "-t", "model")["artifacts"]] == ["model"]


def test_ls_of_a_name_lists_its_versions_newest_first(cli, facts):
    new_version("raw", "other")

    said = facts("ls", "digits/raw")["versions"]

    assert [one["version"] for one in said] == ["v1", "v0"]
    lines = cli("ls", "raw").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["VERSION", "v1", "v0"]
    assert lines[1].split()[6] == said[0]["digest"][:12]


def test_ls_of_a_version_lists_its_files_in_order(cli, facts):
    said = facts("ls", "raw:v0")

    assert [one["path"] for one in said["files"]] == ["a.txt", "b/c.txt"]
    assert said["files"][0]["size_bytes"] == 50
    assert [line.split()[-1] for line in cli("ls", "raw", "--files").stdout.splitlines()[1:]] == [
        "a.txt",
        "b/c.txt",
    ]


def test_ls_stops_at_the_limit(facts):
    assert len(facts("ls", "raw:v0", "--limit", "1")["files"]) == 1
    assert len(facts("ls", "--limit", "1")["artifacts"]) == 1


def test_a_word_that_is_project_and_artifact_lists_the_project_and_says_so(cli, talkative):
    with localart.init(project="raw", name="x") as run:
        run.log_artifact(localart.Artifact("other", type="t"))

    result = cli("ls", "raw")

    assert "raw/other" in result.stdout
    assert "digits/raw" in result.stderr


def test_ls_of_what_is_not_there_fails_with_a_hint(cli):
    result = cli("ls", "rwa", code=1)

    assert result.stdout == ""
    assert "No artifact 'rwa'" in result.stderr
    assert "did you mean raw?" in result.stderr
    assert "No project 'nope'" in cli("ls", "nope/", code=1).stderr


def test_ls_of_an_empty_store_says_how_to_begin(cli, talkative, tmp_path):
    cli("init", "--store", str(tmp_path / "new"))

    result = cli("ls", "--store", str(tmp_path / "new"))

    assert result.stdout == ""
    assert "localart put" in result.stderr


# --- show and run ----------------------------------------------------------------------------------------


def test_show_tells_all_facts_of_a_version(cli, facts):
    text = cli("show", "raw:best").stdout
    said = facts("show", "raw:best")

    assert said["address"] == "digits/raw:v0"
    assert said["aliases"] == ["best", "latest"]
    assert said["tags"] == ["checked"]
    assert said["metadata"] == {"sizes": [1, 2]}
    assert said["made_by"]["name"] == "first-run"
    assert [run["name"] for run in said["used_by"]] == ["second-run"]
    assert [one["path"] for one in said["first_files"]] == ["a.txt", "b/c.txt"]
    for fact in ("digits/raw:v0", "best, latest", "checked", said["digest"], "all rows", '"sizes"', "first-run",
                 "second-run", "b/c.txt", "120 B in 2 files", said["made_by"]["address"]):  # fmt: skip
        assert fact in text


def test_show_tells_all_facts_of_a_run(cli, facts):
    run_id = next(one["id"] for one in facts("runs")["runs"] if one["name"] == "second-run")

    said = facts("show", f"run:{run_id}")
    text = cli("show", f"run:{run_id}").stdout

    assert said == facts("run", run_id)
    assert said["state"] == "finished"
    assert [one["address"] for one in said["inputs"]] == ["digits/raw:v0"]
    assert [one["address"] for one in said["outputs"]] == ["digits/model:v0"]
    assert said["metrics"] == {"loss": 0.5, "odd": "NaN"}
    for fact in ("second-run", "train", "digits/raw:v0", "digits/model:v0", "loss: 0.5"):
        assert fact in text


def test_show_of_a_failed_run_ends_with_its_traceback(cli, facts):
    run_id = next(one["id"] for one in facts("runs", "--state", "failed")["runs"])

    assert "ZeroDivisionError: by zero" in cli("run", run_id).stdout
    assert facts("run", run_id)["error"].rstrip().endswith("ZeroDivisionError: by zero")


def test_show_says_what_to_type_next_on_stderr(cli, talkative):
    result = cli("show", "raw")

    assert "localart get digits/raw:v0" in result.stderr
    assert "next:" not in result.stdout
    assert cli("show", "raw", "--json").stderr == ""


def test_show_of_a_run_id_without_its_prefix_says_how_to_ask(cli, facts):
    run_id = facts("runs")["runs"][0]["id"]

    assert f"localart show run:{run_id}" in cli("show", run_id, code=1).stderr


def test_runs_are_listed_newest_first_and_can_be_narrowed(cli, facts):
    assert [one["name"] for one in facts("runs")["runs"]] == ["third-run", "second-run", "first-run"]
    assert [one["name"] for one in facts("runs", "digits", "--job-type", "load")["runs"]] == ["first-run"]
    assert [one["name"] for one in facts("runs", "--limit", "1")["runs"]] == ["third-run"]
    assert [line.split()[1] for line in cli("runs").stdout.splitlines()[1:]] == [
        "third-run",
        "second-run",
        "first-run",
    ]
    assert "No project 'x'" in cli("runs", "x", code=1).stderr


# --- lineage -----------------------------------------------------------------------------------------------


def test_lineage_draws_inputs_above_outputs(cli):
    lines = cli("lineage", "model").stdout.splitlines()

    assert [line.split()[1] for line in lines] == ["first-run", "raw:v0", "second-run", "model:v0"] or [
        line.replace("▶", " ").split()[1] for line in lines
    ] == ["first-run", "raw:v0", "second-run", "model:v0"]


def test_lineage_goes_only_the_way_asked_for(facts):
    def labels(*arguments: str) -> set[str]:
        return {node["label"].split()[0] for node in facts("lineage", *arguments)["nodes"]}

    assert labels("raw", "--up") == {"first-run", "raw:v0"}
    assert labels("raw", "--down") == {"raw:v0", "second-run", "model:v0"}
    assert labels("raw", "--up", "--down") == {"first-run", "raw:v0", "second-run", "model:v0"}
    assert labels("model", "--up", "--depth", "1") == {"second-run", "model:v0"}
    assert labels("--project", "digits") == {"first-run", "raw:v0", "second-run", "model:v0", "third-run"}


@pytest.mark.parametrize(
    ("form", "beginning"),
    [("dot", "digraph lineage {"), ("mermaid", "flowchart LR"), ("map", "● "), ("json", "{")],
)
def test_lineage_has_other_forms(cli, form, beginning):
    assert cli("lineage", "raw", "--format", form).stdout.startswith(beginning)


def test_lineage_in_ascii_is_ascii(cli):
    assert cli("lineage", "--ascii").stdout.isascii()


def test_lineage_by_type_has_one_node_a_type(facts):
    labels = [node["label"] for node in facts("lineage", "--by-type")["nodes"]]

    assert len(labels) == len({label.split()[0] for label in labels})
    assert any(label.startswith("dataset") for label in labels)


def test_lineage_refuses_directions_without_an_address(cli):
    assert "need an ADDRESS" in cli("lineage", "--up", code=2).stderr
    assert "No project" in cli("lineage", "--project", "nope", code=1).stderr
    assert "No run" in cli("lineage", "run:nope", code=1).stderr


# --- put and get ---------------------------------------------------------------------------------------------


@pytest.fixture
def tree(workdir: Path) -> Path:
    (workdir / "data" / "sub").mkdir(parents=True)
    (workdir / "data" / "x.txt").write_text("x")
    (workdir / "data" / "sub" / "y.txt").write_text("yy")
    return workdir / "data"


def test_put_logs_a_folder_and_prints_the_new_name(cli, facts, tree):
    result = cli(
        "put", "data", "-n", "p/set", "-a", "fresh", "--tag", "t", "-d", "words", "--metadata", '{"k": 1}'
    )

    assert result.stdout == "p/set:v0\n"
    said = facts("show", "p/set")
    assert said["aliases"] == ["fresh", "latest"]
    assert said["tags"] == ["t"]
    assert said["type"] == "dataset"
    assert said["metadata"] == {"k": 1}
    assert said["description"] == "words"
    assert said["made_by"]["job_type"] == "cli_put"
    assert said["made_by"]["state"] == "finished"
    assert [one["path"] for one in said["first_files"]] == ["x.txt", "sub/y.txt"]


def test_put_again_makes_no_new_version_and_says_so(cli, facts, tree, talkative):
    cli("put", "data", "-n", "set")

    result = cli("put", "data", "-n", "set")

    assert result.stdout == "uncategorized/set:v0\n"
    assert "no new version" in result.stderr
    (tree / "x.txt").write_text("changed")
    assert cli("put", "data", "-n", "set").stdout == "uncategorized/set:v1\n"
    assert facts("put", "data", "-n", "set")["is_new"] is False


def test_put_of_several_paths_keeps_their_names(cli, facts, tree, workdir):
    (workdir / "one.bin").write_bytes(b"1")

    cli("put", "data", "one.bin", "-n", "both")

    assert [one["path"] for one in facts("ls", "both:v0")["files"]] == [
        "one.bin",
        "data/x.txt",
        "data/sub/y.txt",
    ]


def test_put_without_a_name_takes_the_file_s_own(cli, workdir):
    (workdir / "my file (1).csv").write_text("1")

    assert cli("put", "my file (1).csv").stdout == "uncategorized/my-file-1-.csv:v0\n"


def test_put_reads_metadata_from_a_file(cli, facts, tree, workdir):
    (workdir / "meta.json").write_text('{"from": "file"}')

    cli("put", "data", "-n", "set", "--metadata", "@meta.json")

    assert facts("show", "set")["metadata"] == {"from": "file"}


def test_put_keeps_a_reference_as_a_reference(cli, facts, tree):
    cli("put", (tree / "x.txt").as_uri(), "-n", "ref")

    assert facts("ls", "ref:v0")["files"][0]["reference"] == (tree / "x.txt").as_uri()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.txt"], 1, "There is no file or folder 'missing.txt'"),
        (["data", "-n", "a b"], 2, "Artifact name 'a b'"),
        (["data", "-n", "set:v3"], 2, "give aliases with -a"),
        (["data", "-n", "bad?p/set"], 2, "Project name"),
        (["data", "-n", "set", "-a", "v7"], 2, "looks like a version number"),
        (["data", "-n", "set", "--tag", "a/b"], 2, "Tag 'a/b'"),
        (["data", "-n", "set", "--metadata", "{"], 2, "This is not JSON"),
        (["data", "-n", "set", "--metadata", "[1]"], 2, "must be a JSON object"),
        (["data", "-n", "set", "--metadata", '{"a": NaN}'], 2, "JSON has no NaN"),
        (["data", "-n", "set", "--metadata", "@nope"], 1, "cannot be read"),
        (["data", "-n", "digits/raw", "-t", "model"], 1, "has type 'dataset'"),
        (["data", "data"], 2, "-n NAME"),
        (["data", "-n", "set", "-t", "job"], 2, "is reserved"),
    ],
)
def test_put_refuses_what_cannot_be_and_leaves_the_store_alone(cli, facts, tree, arguments, code, message):
    before = facts("sql", "SELECT count(*) FROM journal")

    result = cli("put", *arguments, code=code)

    assert message in result.stderr
    assert result.stdout == ""
    assert facts("sql", "SELECT count(*) FROM journal") == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_put_of_an_unreadable_folder_logs_nothing(cli, facts, tree):
    (tree / "sub").chmod(0)
    before = facts("sql", "SELECT count(*) FROM runs")

    result = cli("put", "data", "-n", "set", code=1)
    (tree / "sub").chmod(0o700)

    assert "sub" in result.stderr
    assert facts("sql", "SELECT count(*) FROM runs") == before


def test_get_brings_the_files_and_prints_the_folder(cli, workdir, talkative):
    result = cli("get", "digits/raw:best")

    assert result.stdout == f"{workdir / 'artifacts' / 'raw:v0'}\n"
    assert (workdir / "artifacts" / "raw:v0" / "b" / "c.txt").read_text() == "b/c.txt" * 10
    assert "2 files written (120 B), 0 kept" in result.stderr
    assert "0 files written (0 B), 2 kept" in cli("get", "raw").stderr


def test_get_can_take_a_part_to_another_folder(facts, tmp_path):
    said = facts("get", "raw", "--root", str(tmp_path / "to"), "--prefix", "b/")

    assert said["written_files"] == 1
    assert [path.name for path in (tmp_path / "to").rglob("*.txt")] == ["c.txt"]


@pytest.mark.parametrize("only", [["c.*"], ["b/"], ["nothing", "/b/*.txt"]])
def test_get_can_take_what_a_pattern_names(facts, tmp_path, only):
    patterns = [word for pattern in only for word in ("--only", pattern)]

    facts("get", "raw", "--root", str(tmp_path / "to"), *patterns)

    assert [path.name for path in (tmp_path / "to").rglob("*.txt")] == ["c.txt"]


def test_get_of_a_prefix_that_fits_nothing_fails(cli):
    assert "starts with 'zz'" in cli("get", "raw", "--prefix", "zz", code=1).stderr
    said = cli("get", "raw", "--prefix", "b", "--only", "*.zz", "--only", "y", code=1).stderr
    assert "starts with 'b' and matches '*.zz' or 'y'" in said


def test_get_ends_with_3_when_references_had_to_be_left_out(cli, tree):
    cli("put", tree.as_uri(), "-n", "ref")
    (tree / "x.txt").unlink()

    result = cli("get", "ref", "--allow-missing", code=3)

    assert "left out: x.txt" in result.stderr
    cli("get", "ref", "--root", "other", code=1)


def test_get_fetches_references_when_the_environment_says_so(cli, workdir, monkeypatch):
    """Seen to fail while `get` did not hand the setting on."""
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/far/a.bin", b"from afar")
    far = localart.Artifact("far", "dataset")
    far.add_reference("memory://far/a.bin", name="a.bin")
    with localart.init(project="p") as run:
        run.log_artifact(far)
    assert "set LOCALART_FETCH_REFERENCES=1" in cli("get", "far", code=1).stderr

    monkeypatch.setenv("LOCALART_FETCH_REFERENCES", "1")
    cli("get", "far", "--root", "near")

    assert (workdir / "near" / "a.bin").read_bytes() == b"from afar"


def test_get_refuses_to_write_through_a_link_out_of_the_folder(cli, workdir, tmp_path):
    (workdir / "to").mkdir()
    (workdir / "to" / "b").symlink_to(tmp_path)

    cli("get", "raw", "--root", "to", code=14)

    assert not list(tmp_path.iterdir())


# --- alias, tag, mv --------------------------------------------------------------------------------------------


def test_alias_moves_to_the_version(cli, facts, talkative):
    new_version("raw", "other")

    result = cli("alias", "raw:v1", "best", "prod")

    assert result.stdout == "digits/raw:v1\n"
    assert "best, latest, prod" in result.stderr
    assert facts("show", "raw:v0")["aliases"] == []
    assert facts("alias", "--remove", "raw:v1", "prod")["aliases"] == ["best", "latest"]


def test_alias_changes_all_or_nothing(cli, facts):
    cli("alias", "raw", "fine", "v9", code=2)
    assert "has no alias 'nope'" in cli("alias", "--remove", "raw", "best", "nope", code=1).stderr

    assert facts("show", "raw")["aliases"] == ["best", "latest"]


def test_tags_come_and_go(cli, facts):
    assert facts("tag", "raw", "seen", "two words")["tags"] == ["checked", "seen", "two words"]
    assert facts("tag", "raw", "--remove", "seen")["tags"] == ["checked", "two words"]
    assert "has no tag 'x'" in cli("tag", "raw", "--remove", "x", code=1).stderr
    assert "Tag 'a/b'" in cli("tag", "raw", "a/b", code=2).stderr


def test_mv_renames_and_moves_with_all_versions(cli, facts):
    assert cli("mv", "raw", "cooked").stdout == "digits/cooked\n"
    assert cli("mv", "digits/cooked", "other/").stdout == "other/cooked\n"
    assert facts("mv", "cooked", "third/raw")["to"]["project"] == "third"
    assert [run["name"] for run in facts("show", "third/raw:best")["used_by"]] == ["second-run"]


@pytest.mark.parametrize(
    ("new", "code", "message"),
    [("model", 1, "already has an artifact"), ("a b", 2, "Artifact name"), ("raw:v3", 2, "leave ':' out"),
     ("p?/x", 2, "Project name")],
)  # fmt: skip
def test_mv_refuses_names_that_cannot_be(cli, facts, new, code, message):
    assert message in cli("mv", "raw", new, code=code).stderr
    assert facts("show", "raw")["address"] == "digits/raw:v0"


# --- search, sql ------------------------------------------------------------------------------------------------


def test_search_finds_by_the_beginning_of_words(cli, facts):
    hits = facts("search", "ro")["hits"]

    assert ("version", "digits/raw:v0") in {(hit["kind"], hit["address"]) for hit in hits}
    assert any(hit["address"].startswith("run:") for hit in hits)
    assert "digits/raw:v0" in cli("search", "all", "rows").stdout


@pytest.mark.parametrize("words", ['"', "a OR b", "NEAR(a", "col:x", "***", "ro* AND", "\x00", "-x"])
def test_nothing_in_searched_words_is_an_operator(cli, words):
    assert cli("search", "--", words).exit_code == 0


def test_search_without_a_hit_says_so(cli, facts, talkative):
    result = cli("search", "unheardof")

    assert (result.stdout, result.stderr) == ("", "nothing found\n")
    assert facts("search", "unheardof")["hits"] == []


def test_sql_answers_as_table_csv_tsv_and_json(cli, facts):
    query = "SELECT artifact, files FROM versions_view ORDER BY artifact"

    assert [line.split() for line in cli("sql", query).stdout.splitlines()] == [
        ["artifact", "files"], ["model", "1"], ["raw", "2"],
    ]  # fmt: skip
    assert cli("sql", query, "--csv").stdout == "artifact,files\nmodel,1\nraw,2\n"
    assert cli("sql", query, "--tsv").stdout == "artifact\tfiles\nmodel\t1\nraw\t2\n"
    assert facts("sql", query) == {"columns": ["artifact", "files"], "rows": [["model", 1], ["raw", 2]]}


def test_sql_reads_the_query_from_stdin(cli):
    assert cli("sql", "-", "--csv", given="SELECT 1 AS one").stdout == "one\n1\n"


def test_sql_keeps_columns_of_the_same_name_apart(facts):
    assert facts("sql", "SELECT 1 AS x, x'00ff' AS x, NULL AS x") == {
        "columns": ["x", "x", "x"],
        "rows": [[1, "00ff", None]],
    }


def test_csv_is_no_formula_and_tsv_has_one_line_a_row(cli):
    assert cli("sql", "SELECT '=1+1', -1, '-1'", "--csv").stdout.splitlines()[1] == "'=1+1,-1,'-1"
    assert cli("sql", "SELECT 'a\tb\nc\\'", "--tsv").stdout.splitlines()[1] == "a\\tb\\nc\\\\"


@pytest.mark.parametrize("view", ["versions_view", "runs_view", "lineage_view", "files", "metrics_view"])
def test_sql_can_ask_every_view(facts, view):
    assert facts("sql", f"SELECT * FROM {view}")["rows"]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM runs",
        "UPDATE runs SET name = 'x'",
        "INSERT INTO projects(name, created_at) VALUES ('x', 'y')",
        "DROP TABLE runs",
        "CREATE TABLE x(y)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "ATTACH '/tmp/x.db' AS x",
        "VACUUM",
        "VACUUM INTO 'copy.db'",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 7",
        "PRAGMA writable_schema = ON",
        "REINDEX",
        "ANALYZE",
        "BEGIN IMMEDIATE",
        "SELECT load_extension('x')",
        "SELECT 1; DELETE FROM runs",
        "WITH x AS (SELECT 1) DELETE FROM runs",
        "INSERT INTO runs_fts(runs_fts) VALUES ('rebuild')",
        "INSERT INTO runs_fts(runs_fts, rank) VALUES ('pgsz', 32)",
        "UPDATE sqlite_master SET sql = ''",
        "DELETE FROM sqlite_master",
        "nonsense",
        "",
    ],
)
def test_sql_changes_nothing(cli, store, query):
    before = (store / "localart.db").read_bytes()

    result = cli("sql", query, code=None)

    assert result.exit_code == (0 if not query else 2)
    assert result.stdout == ""
    assert (store / "localart.db").read_bytes() == before
    assert not Path("copy.db").exists()


@pytest.mark.parametrize("query", ["ATTACH 'x.db' AS x", "PRAGMA query_only = OFF", "BEGIN"])
def test_sql_refuses_what_is_no_question_before_it_runs(cli, query):
    assert "Only queries that read" in cli("sql", query, code=2).stderr


def test_sql_allows_searching_and_looking_at_tables(facts):
    assert facts("sql", "SELECT count(*) FROM runs_fts WHERE runs_fts MATCH 'train'")["rows"] == [[1]]
    assert facts("sql", "PRAGMA table_info(runs)")["rows"]
    assert facts("sql", "SELECT name FROM pragma_table_info('runs')")["rows"]
    assert facts("sql", "PRAGMA quick_check")["rows"] == [["ok"]]
    assert facts("sql", "EXPLAIN QUERY PLAN SELECT * FROM runs")["rows"]


def test_sql_stops_a_query_that_never_ends(cli):
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"

    result = cli("sql", endless, "--seconds", "0.2", code=1)

    assert "stopped after 0.2 s" in result.stderr


def test_sql_refuses_two_forms_at_once(cli):
    cli("sql", "SELECT 1", "--csv", "--json", code=2)


# --- what else there is ------------------------------------------------------------------------------------------


def test_init_makes_a_store_once(cli, talkative, workdir, monkeypatch):
    monkeypatch.delenv("LOCALART_DIR")

    first, second = cli("init"), cli("init")

    assert first.stdout == second.stdout == f"{workdir / '.localart'}\n"
    assert "made a store" in first.stderr
    assert "already" in second.stderr
    assert json.loads(cli("init", "sub", "--json").stdout) == {
        "store": str(workdir / "sub" / ".localart"),
        "created": True,
    }


def test_init_warns_when_the_environment_overrules_it(cli, store):
    assert str(store) in cli("init").stderr


def test_the_store_option_overrules_the_environment(cli, facts, tmp_path):
    cli("init", "--store", str(tmp_path / "other"))

    assert facts("ls", "--store", str(tmp_path / "other"))["projects"] == []


def test_tui_without_a_terminal_says_what_to_do_instead(cli):
    assert "`localart show raw:v0` shows the same facts" in cli("tui", "raw:v0", code=2).stderr
    assert "`localart ls` shows the same facts" in cli("tui", code=2).stderr


def test_completion_prints_lines_for_every_shell(cli, facts):
    assert "_LOCALART_COMPLETE=bash_source" in cli("completion", "bash").stdout
    assert set(facts("completion")) == {"bash", "zsh", "fish"}
    assert cli("completion").stdout.count("# ") == 3


def test_every_command_has_a_help_page_that_fits_80_columns(cli):
    from localart.cli.app import COMMANDS

    for name in COMMANDS:
        text = cli(name, "--help").stdout
        assert text.startswith(f"Usage: localart {name}")
        assert "--json" in text
        assert "--store" in text
        assert max(map(len, text.splitlines())) <= 80
    assert max(map(len, cli("--help").stdout.splitlines())) <= 80


def test_help_documents_every_exit_code(cli):
    from localart.cli.exit_codes import ExitCode

    text = cli("--help").stdout

    assert all(f"\n  {code.value} " in text for code in ExitCode)


def test_a_mistyped_command_is_guessed(cli):
    result = cli("lineag", code=2)

    assert "did you mean 'lineage'?" in result.stderr


@pytest.mark.parametrize(
    ("word", "command"), [("download", "get"), ("downlaod", "get"), ("list", "ls"), ("delete", "rm")]
)
def test_another_tools_word_for_a_command_is_understood(cli, word, command):
    result = cli(word, code=2)

    assert f"did you mean '{command}'?" in result.stderr


@pytest.mark.parametrize(
    "group", [(), ("artifact",), ("artifact", "cache")], ids=lambda group: "-".join(group) or "-"
)
def test_a_group_called_alone_shows_its_help_as_a_page(cli, group):
    """Seen to fail with `_CALLED_ALONE = ()`: the page came as one line of stderr with its line ends spelled out."""
    result = cli(*group)

    assert result.stdout == cli(*group, "--help").stdout
    assert not result.stderr


def test_help_may_come_first(cli):
    assert cli("help").stdout == cli("--help").stdout
    assert cli("help", "get").stdout == cli("get", "--help").stdout


@pytest.mark.parametrize("option", ["--store", "--json"])
def test_an_option_before_the_command_is_told_its_place(cli, option):
    assert f"put it after the command: `localart ls {option} …`" in cli(option, "x", "ls", code=2).stderr
