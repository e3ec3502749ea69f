"""`localart lineage`: how much of the graph, what of it, in which form, and where to."""

import json
import shutil

import pytest

import localart
from localart.repository.opening import close_all

pytestmark = pytest.mark.usefixtures("trained")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept") / "store"


@pytest.fixture
def trained(isolated, store, kept):
    """One dataset, six trainings of it with a model each, and another line of work with the same beginning."""
    if not kept.exists():
        log_all()
        shutil.copytree(store, kept)
    elif not store.exists():
        shutil.copytree(kept, store)


def log_all():
    with localart.init(project="p", job_type="load") as run:
        run.log_artifact(made("raw", "dataset", "0"))
    for number in range(6):
        with localart.init(project="p", job_type="train", config={"lr": number / 10}) as run:
            run.use_artifact("raw:latest")
            run.log_artifact(made("net", "model", str(number)))
    with localart.init(project="p", job_type="plot", notes="a <b>note</b>") as run:
        run.use_artifact("raw:latest")
        run.log_artifact(made("chart", "picture", "0"))
    close_all()


def made(name, type_, text):
    artifact = localart.Artifact(name, type=type_, metadata={"text": text})
    with artifact.new_file("x.txt", "w") as file:
        file.write(text)
    return artifact


def groups(document):
    return {node["group"] for node in document["nodes"]}


def test_the_complete_lineage_has_the_siblings_too(facts):
    assert groups(facts("lineage", "p/chart")) == {"dataset", "load", "plot", "picture"}
    complete = facts("lineage", "p/chart", "--complete")
    assert groups(complete) == {"dataset", "load", "plot", "picture", "train", "model"}
    assert len(complete["edges"]) == 1 + 6 * 2 + 2


def test_types_that_are_not_asked_for_are_left_out(facts):
    document = facts("lineage", "--project", "p", "--type", "model", "--job-type", "load")

    assert groups(document) == {"load", "model"}
    assert len(document["edges"]) == 6
    assert document["notes"] == ["9 nodes are left out by type; lines lead past them"]


def test_a_type_that_does_not_occur_is_named_with_those_that_do(cli):
    stderr = cli("lineage", "p/chart", "--type", "nope", code=2).stderr

    assert "'nope'" in stderr
    assert "there are: 'dataset', 'picture'" in stderr


def test_what_is_alike_is_one_when_asked(cli, facts):
    drawing = cli("lineage", "--project", "p", "--format", "map", "--group").stdout

    assert "● train ×6" in drawing
    assert "▣ net ×6" in drawing
    assert len(facts("lineage", "--project", "p", "--group")["nodes"]) == 6
    assert len(facts("lineage", "--project", "p")["nodes"]) == 16


def test_a_crowd_is_grouped_in_drawings_and_never_in_data(cli, facts):
    with localart.init(project="p", job_type="sweep") as run:
        for number in range(41):
            run.log_artifact(made("many", "model", str(number)))
    close_all()

    drawing = cli("lineage", "many:v3").stdout
    assert "many:v3" in drawing
    assert len(facts("lineage", "--project", "p")["nodes"]) == 58
    whole = cli("lineage", "--project", "p").stdout
    assert "many ×41" in whole
    assert "--no-group draws each" in whole
    assert "many:v17" in cli("lineage", "--project", "p", "--no-group").stdout


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("x.svg", "<svg"), ("x.HTML", "<!DOCTYPE html>"), ("x.dot", "digraph"), ("x.mmd", "flowchart"),
        ("x.json", "{"), ("x.txt", "●"),
    ],
)  # fmt: skip
def test_the_file_says_the_form(cli, workdir, name, beginning):
    result = cli("lineage", "--project", "p", "--output", name)

    assert (workdir / name).read_text(encoding="utf-8").startswith(beginning)
    assert not result.stdout
    assert [path.name for path in workdir.iterdir()] == [name]


def test_a_file_is_replaced_only_when_told_to(cli, workdir):
    (workdir / "x.svg").write_text("mine")

    assert "already there" in cli("lineage", "-o", "x.svg", code=1).stderr
    assert (workdir / "x.svg").read_text() == "mine"
    cli("lineage", "-o", "x.svg", "--force")
    assert (workdir / "x.svg").read_text().startswith("<svg")


def test_a_link_that_leads_nowhere_is_something_that_is_there(cli, workdir):
    (workdir / "x.svg").symlink_to(workdir / "elsewhere")

    cli("lineage", "-o", "x.svg", code=1)
    assert not (workdir / "elsewhere").exists()
    cli("lineage", "-o", "x.svg", "--force")
    assert not (workdir / "elsewhere").exists()
    assert not (workdir / "x.svg").is_symlink()


def test_a_folder_that_is_missing_is_a_plain_error(cli):
    assert "There is no folder 'nowhere'" in cli("lineage", "-o", "nowhere/x.svg", code=1).stderr


def test_pictures_and_pages_go_to_stdout_too(cli):
    assert cli("lineage", "p/chart", "--format", "svg").stdout.startswith("<svg")
    assert cli("lineage", "p/chart", "--format", "html").stdout.endswith("</html>\n")


def test_a_page_tells_what_is_known_of_each_node(cli):
    text = cli("lineage", "--project", "p", "--format", "html").stdout

    data = json.loads(text.split('<script id="graph" type="application/json">')[1].split("</script>")[0])
    told = {node["label"]: dict(map(tuple, node["facts"])) for node in data["nodes"]}
    assert told["net:v3"]["metadata.text"] == "3"
    assert told["net:v3"]["size"] == "1 bytes"
    runs = {node["group"]: dict(map(tuple, node["facts"])) for node in data["nodes"]}
    assert runs["plot"]["notes"] == "a <b>note</b>"
    assert runs["train"]["config.lr"] == "0.5"
    assert "<b>note" not in text


@pytest.mark.parametrize(
    "arguments", [["--complete"], ["p/chart", "--complete", "--up"], ["p/chart", "--complete", "--down"]]
)
def test_complete_goes_both_ways_from_somewhere(cli, arguments):
    cli("lineage", *arguments, code=2)


def test_a_file_of_no_known_kind_is_not_written(cli, filled, workdir):
    """Seen to fail when `_form_of` fell back to the lanes: x.pdf was a text file."""
    result = cli("lineage", "-o", "x.pdf", code=2)

    assert "No lineage is written as '.pdf'" in result.stderr
    assert not (workdir / "x.pdf").exists()
