"""What a newcomer is told: about the command that was typed, and with what to type next."""

import re
from pathlib import Path

import localart
from localart.cli.failures import TYPED


def test_put_tells_of_another_project_s_artifact_of_the_name(cli, workdir, filled, talkative):
    """Fails without `_tell_namesakes`: the next version of raw was in a project that nobody had named."""
    (workdir / "more.txt").write_text("more")

    said = cli("put", "more.txt", "-n", "raw")

    assert said.stdout == "uncategorized/raw:v0\n"
    assert "note: digits/raw is another artifact; `-n digits/raw` makes the next version" in said.stderr


def test_put_has_nothing_to_tell_where_the_project_was_chosen(cli, workdir, filled, talkative, monkeypatch):
    (workdir / "more.txt").write_text("more")

    named = cli("put", "more.txt", "-n", "digits/raw")
    new = cli("put", "more.txt", "-n", "nowhere-else")
    monkeypatch.setenv("LOCALART_PROJECT", "mine")
    chosen = cli("put", "more.txt", "-n", "raw")

    assert named.stdout == "digits/raw:v1\n"
    assert chosen.stdout == "mine/raw:v0\n"
    assert not [one for one in (named, new, chosen) if "note:" in one.stderr]


def test_put_names_a_reference_by_its_address(cli, facts):
    cli("put", "memory://far/rows.csv", "-n", "far")

    assert [one["path"] for one in facts("ls", "far:v0")["files"]] == ["rows.csv"]


def test_put_says_how_an_address_gets_a_name(cli):
    """Seen to fail when the library answered: its `pass name=…` is nothing that one can type."""
    for address in ("memory://", "https://example.org", "ftp://place/"):
        said = cli("put", address, "-n", "far", code=2).stderr
        assert "names no file\n  end it with one, as in " in said
    assert "is no address" in cli("put", "http://[x", "-n", "far", code=2).stderr


def test_put_says_which_metadata_it_wants(cli, workdir):
    (workdir / "a").write_text("a")

    said = cli("put", "a", "--metadata", "source=web", code=2).stderr

    assert "--metadata: This is not JSON" in said
    assert """--metadata '{"source": "web"}'""" in said


def test_advice_is_about_options_not_about_arguments_of_functions(cli, workdir):
    """Fails when `report` hands on the library's advice as it is."""
    for folder in ("one", "two"):
        (workdir / folder).mkdir()
        (workdir / folder / "x.txt").write_text(folder)
    cli("put", "memory://far/a.bin", "-n", "far")

    fetched = cli("get", "far", code=1).stderr
    both = cli("put", "one/x.txt", "two/x.txt", "-n", "both", code=1).stderr

    assert "set LOCALART_FETCH_REFERENCES=1, or pass --allow-missing to leave it out" in fetched
    assert "rename one of the two" in both
    assert not re.search(r"\w=True", fetched + both)


def test_all_that_is_said_in_other_words_is_still_said_by_the_library():
    library = "".join(
        path.read_text()
        for folder in ("operations", "draft", "catalog", "repository")
        for path in (Path(localart.__file__).parent / folder).rglob("*.py")
    )

    # Advice may be put together from two strings.
    assert [one for one in TYPED if one.removesuffix(", or ") not in library] == []


def test_a_project_is_not_taken_for_an_artifact(cli, filled):
    """Fails when `_elsewhere` looks for artifacts only."""
    assert "it is a project; `localart ls digits` lists its artifacts" in cli("get", "digits", code=1).stderr
    assert "'digits/' names no artifact" in cli("get", "digits/", code=2).stderr


def test_an_alias_on_a_day_that_has_just_begun_to_have_it_is_explained(cli, filled):
    """Fails when a day is spoken of as a moment: `best` has pointed somewhere since this morning, after all."""
    today = cli("alias", "log", "raw:best").stdout.splitlines()[1].split()[1]

    said = cli("get", f"raw:best@{today}", code=1).stderr

    assert f"pointed nowhere when {today} began" in said
    assert f"say a time of that day too, as in best@{today}T18:00" in said
    assert f"nowhere at {today}T00:00" in cli("get", f"raw:best@{today}T00:00", code=1).stderr


def test_a_second_backup_says_that_nothing_was_new(cli, filled, talkative):
    """Seen to fail: it said "copied 0 B into 1 pack"."""
    first = cli("backup", "../backup").stderr
    second = cli("backup", "../backup").stderr

    assert re.search(r"copied [\d.]+ kB; the backup holds 1 pack, up to change \d+", first)
    assert re.search(r"nothing new to copy; the backup holds 1 pack, up to change \d+", second)


def test_compare_says_what_a_copy_is(cli, filled):
    assert "such as `localart backup` makes" in cli("compare", "nowhere", code=10).stderr


def test_init_says_that_a_file_is_no_folder(cli, workdir):
    (workdir / "a").write_text("a")

    assert "'a' is a file; name a folder" in cli("init", "a", code=2).stderr


def test_all_versions_may_go_with_latest_but_not_with_a_name_that_was_given(cli, workdir, filled):
    """Fails when `latest`, which nobody gave, keeps `--all-versions` from ever working."""
    (workdir / "a").write_text("a")
    cli("put", "a", "-n", "plain")

    assert "still has aliases: best" in cli("rm", "raw", "--all-versions", "--yes", code=1).stderr

    assert cli("rm", "plain", "--all-versions", "--yes").stdout == "uncategorized/plain:v0\n"


def test_an_option_without_its_value_names_the_command(cli):
    """Fails when `CallCommand` leaves an error of the parser without its command."""
    assert "`localart prune --help`" in cli("prune", "--keep-best", code=2).stderr


def test_a_run_tells_what_it_made_not_what_it_linked(filled, capfd, talkative):
    """Fails when `link_artifact` counts whatever it links as an output."""
    with localart.init(project="other") as run:
        run.link_artifact(run.use_artifact("digits/model:latest"), "good-ones")
        made = localart.Artifact("own", "dataset")
        with made.new_file("a", "w") as file:
            file.write("a")
        run.link_artifact(made, "good-ones-too")

    said = capfd.readouterr().err
    assert "finished after" in said
    assert "1 output\n" in said
    assert "made own:v0" in said
    assert "made model" not in said


def test_a_run_says_of_known_content_that_it_was_logged_again(isolated, capfd, talkative):
    """Seen to fail: right after "no new version" it said that it had made one."""
    for _ in range(2):
        with localart.init(project="p") as run:
            same = localart.Artifact("same", "dataset")
            with same.new_file("a", "w") as file:
                file.write("a")
            run.log_artifact(same)

    said = capfd.readouterr().err
    assert said.count("made same:v0") == 1
    assert said.count("again same:v0") == 1


def test_init_says_where_that_is_which_was_logged_before(cli, workdir, monkeypatch, talkative, tmp_path):
    """Seen to fail: all that somebody had logged seemed to be gone."""
    monkeypatch.delenv("LOCALART_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    (workdir / "a").write_text("a")
    cli("put", "a")
    earlier = cli("status").stdout.split()[1]

    made = cli("init")
    again = cli("init")

    assert f"what is in {earlier} stays there: `localart ls --store {earlier}`" in made.stderr
    assert "stays there" not in again.stderr
    assert f"the store {workdir / '.localart'} is empty" in cli("ls").stderr


def test_a_store_without_anything_has_no_lineage_and_says_so(cli, talkative):
    cli("init", "--store", "new")

    said = cli("lineage", "--store", "new")

    assert said.stdout == ""
    assert "there is nothing to draw yet" in said.stderr
    assert "localart demo" in said.stderr


def test_a_list_without_rows_says_so(cli, filled, talkative):
    """Fails when `Console.table` leaves out what it was told to say."""
    assert "there is no such artifact" in cli("ls", "--type", "nothing").stderr
    assert "there is no such run" in cli("runs", "--job-type", "nothing").stderr
    assert "such" not in cli("runs").stderr + cli("ls").stderr


def test_du_takes_a_project_as_ls_does(cli, filled):
    """Seen to fail: `du digits` said that there is no artifact of that name."""
    assert cli("du", "digits").stdout == cli("du", "digits/").stdout
    assert cli("du", "raw").stdout.startswith("VERSION")


def test_a_wrong_store_option_is_answered_in_words_about_that_option(cli, workdir):
    """Seen to fail: `set LOCALART_DIR` does nothing for one who passes --store."""
    (workdir / "file").write_text("no store")
    (workdir / "a").write_text("a")

    for command in (("ls", "--store", "nowhere"), ("put", "a", "--store", "file")):
        assert "  --store takes the folder of a store\n" in cli(*command, code=None).stderr


def test_compare_wants_a_copy_where_it_is_given_a_file(cli, filled, workdir):
    (workdir / "file").write_text("no store")

    assert "name the folder of a copy" in cli("compare", "file", code=2).stderr


def test_a_run_s_address_where_a_version_belongs_is_known_for_what_it_is(cli, filled):
    """Seen to fail: `No artifact 'run'`, and the advice to look for one."""
    for command in (("get", "run:abc"), ("ls", "run:abc"), ("rm", "run:abc")):
        assert "`localart run abc` shows it" in cli(*command, code=1).stderr


def test_numbers_are_asked_for_in_plain_words(cli):
    assert "'x' is no whole number." in cli("ls", "--limit", "x", code=2).stderr
    assert "0 is less than 1." in cli("history", "-n", "0", code=2).stderr
    assert "0 is not from 1 to 100." in cli("bench", ".", "--rounds", "0", code=2).stderr


def test_verify_sends_to_rebuild_where_the_database_is_lost(cli, filled, store, talkative):
    """Seen to fail: it sent to repair, which then sent on to rebuild."""
    (store / "localart.db").write_bytes(b"nothing that SQLite knows")

    assert "next:  localart rebuild" in cli("verify", code=1).stderr


def test_without_a_home_folder_one_learns_what_to_set(cli, monkeypatch):
    """Seen to fail: `something went wrong that should not: RuntimeError`."""

    def nowhere(*_, **__):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("LOCALART_DIR")
    monkeypatch.setattr("platformdirs.user_data_path", nowhere)
    monkeypatch.setattr("platformdirs.user_cache_path", nowhere)

    said = cli("ls", code=2).stderr

    assert said == (
        "localart: There is no home folder to keep a store in\n  set LOCALART_DIR to a folder, or HOME\n"
    )


def test_a_drawing_that_cannot_be_written_is_named_as_the_user_named_it(cli, filled, workdir):
    """Seen to fail: `Is a directory: .x.svg.4711`, and no word on what to do."""
    name = "x" * 250 + ".svg"  # a name of 254 bytes is allowed, the longer one of the draft is not

    said = cli("lineage", "-o", name, code=1).stderr

    assert "cannot be written: File name too long\n  name another FILE" in said
    assert not list(workdir.glob(".x*"))


def test_a_store_that_lost_its_marker_is_not_said_to_be_no_store(cli, filled, store):
    """Seen to fail: reading it said `run localart init`, though all the bytes were there."""
    (store / "LOCALART").unlink()

    said = cli("ls", code=1).stderr

    assert "holds packs but no marker: part of a store is missing\n  copy the whole store again" in said


def test_a_folder_that_would_be_source_and_store_is_left_as_it_is(cli, workdir):
    """Seen to fail: it was refused, but a store had been made among the user's files."""
    (workdir / "data").mkdir()
    (workdir / "data" / "a.csv").write_text("1")

    said = cli("put", "data", "--store", "data", code=1).stderr

    assert "'data' is the store itself\n  name another folder" in said
    assert [one.name for one in (workdir / "data").iterdir()] == ["a.csv"]
