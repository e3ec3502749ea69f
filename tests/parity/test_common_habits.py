"""Small things that scripts written for W&B do every day, next to the great calls."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import localart
from localart.errors import UsageError

# --- new files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "form"), [("plots/loss.png", "PNG"), ("a.b c.jpg", "JPEG")])
def test_pillow_takes_the_format_of_a_new_file_from_its_name(name: str, form: str) -> None:
    """Fails when `new_file` gives its file a name without the ending."""
    artifact = localart.Artifact("plots", "figure")
    with artifact.new_file(name, mode="wb") as file:
        Pillow.new("RGB", (2, 2)).save(file)
        assert Path(file.name).suffix == Path(name).suffix

    with localart.init(project="demo") as run:
        folder = run.log_artifact(artifact).download()

    with Pillow.open(Path(folder) / name) as image:
        assert image.format == form


def test_the_ending_of_a_new_file_may_have_two_parts_and_nothing_odd() -> None:
    artifact = localart.Artifact("ds", "dataset")
    with artifact.new_file("t.tar.gz", mode="wb") as archive:
        assert archive.name.endswith(".tar.gz")
    with artifact.new_file("what. is:this?") as odd:
        assert ":" not in Path(odd.name).name


# --- entries ---------------------------------------------------------------------------------------------


def test_entries_of_equal_path_and_content_are_equal() -> None:
    """Fails when entries are compared by identity."""
    made = [localart.Artifact(name, "dataset") for name in ("one", "two", "other")]
    for artifact, content in zip(made, ("x", "x", "y"), strict=True):
        with artifact.new_file("a.txt") as file:
            file.write(content)
    one, two, other = (artifact.manifest.entries["a.txt"] for artifact in made)

    assert one == made[0].manifest.entries["a.txt"] == two
    assert one != other
    assert len({one, two, other}) == 2
    assert one != "a.txt"


def test_a_file_added_twice_is_known_by_the_name_it_got_last() -> None:
    """Fails when the first name is told."""
    Path("a.txt").write_text("x")
    artifact = localart.Artifact("ds", "dataset")
    artifact.add_file("a.txt")
    artifact.add_file("a.txt", name="again.txt")

    assert artifact.get_added_local_path_name("a.txt") == "again.txt"


# --- runs ------------------------------------------------------------------------------------------------


def test_the_settings_of_a_run_tell_what_it_is() -> None:
    """Fails when `run.settings` holds only what `init(settings=…)` was given."""
    with localart.init(
        project="demo", id="abc", name="n", tags=["t"], group="g", job_type="train", notes="why",
        settings={"silent": True},
    ) as run:  # fmt: skip
        told = run.settings

    assert (told.project, told.run_id, told.run_name, told.run_tags) == ("demo", "abc", "n", ("t",))
    assert (told.run_group, told.run_job_type, told.run_notes) == ("g", "train", "why")
    assert (told.silent, told.mode, told.entity) == (True, "offline", "")


def test_the_config_keeps_the_order_it_was_given_in() -> None:
    """Fails when the config is read back as the catalog sorts it."""
    with localart.init(project="demo", config={"lr": 1, "batch": 2, "a": 3}) as run:
        run.config.update({"z": 4, "b": 5})
        assert list(run.config.keys()) == ["lr", "batch", "a", "z", "b"]
        assert list(dict(run.config)) == ["lr", "batch", "a", "z", "b"]


def test_an_empty_run_id_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be empty"):
        localart.init(project="demo", id="")


# --- media in the summary ----------------------------------------------------------------------------------


def test_media_may_be_put_into_the_summary() -> None:
    """Fails when the summary takes plain JSON only."""
    pixels = np.zeros((4, 5, 3), dtype="uint8")
    with localart.init(project="demo") as run:
        run.summary["best"] = localart.Image(pixels, caption="c")
        run.summary["rows"] = localart.Table(columns=["a"], data=[[1], [2]])
        run.summary["spread"] = localart.Histogram([1, 2, 3])
        run.summary.update({"deep": {"page": localart.Html("<b>x</b>"), "n": 1}})
        run.summary["several"] = [localart.Image(pixels), localart.Image(pixels)]
        assert run.summary["best"]["_type"] == "image-file"

    kept = localart.Api().run(run.path)
    assert (kept.summary["best"]["width"], kept.summary["best"]["caption"]) == (5, "c")
    assert kept.summary["rows"]["nrows"] == 2
    assert kept.summary["spread"]["_type"] == "histogram"
    assert (kept.summary["deep"]["page"]["_type"], kept.summary["deep"]["n"]) == ("html-file", 1)
    assert kept.summary["several"]["count"] == 2
    assert kept.summary["best"]["path"] in {file.name for file in kept.files()}
    assert [one.type for one in kept.logged_artifacts()] == ["run_table"]


def test_a_finished_run_takes_no_media_into_its_summary() -> None:
    """Fails when media are kept before the run is found to be over."""
    with localart.init(project="demo") as run:
        pass
    with pytest.raises(UsageError, match="is finished"):
        run.summary["t"] = localart.Table(columns=["a"], data=[[1]])

    assert list(localart.Api().run(run.path).logged_artifacts()) == []


def test_media_in_the_summary_of_a_disabled_run_are_dropped_as_all_is() -> None:
    """Fails when a disabled run refuses what others take."""
    with localart.init(mode="disabled") as run:
        run.summary["best"] = localart.Image(np.zeros((2, 2, 3), dtype="uint8"))
        run.summary.update({"deep": {"t": localart.Table(columns=["a"])}, "n": 1})
        assert run.summary["n"] == 1


# --- disabled runs -----------------------------------------------------------------------------------------


def test_a_disabled_run_is_called_what_it_was_asked_to_be() -> None:
    """Fails when a disabled run keeps its own id, or forgets tags and notes."""
    with localart.init(project="p", id="mine", tags=["t"], notes="n", mode="disabled") as run:
        assert (run.id, run.path, run.tags, run.notes) == ("mine", "p/mine", ("t",), "n")
        assert (run.settings.mode, run.settings.project, run.settings.run_id) == ("disabled", "p", "mine")
    with localart.init(mode="disabled") as other:
        assert len(other.id) == 8


def test_what_a_disabled_run_logs_can_be_read_in_its_summary() -> None:
    """Fails when a disabled run drops what it logs: scripts read `run.summary["loss"]` at their end."""
    with localart.init(mode="disabled") as run:
        run.log({"loss": 2.0, "val": {"acc": 1}})
        run.log({"loss": 1.0})
        assert (run.summary["loss"], run.summary.loss, run.summary["val"]["acc"]) == (1.0, 1.0, 1)


def test_a_finished_disabled_run_is_not_the_active_one_any_more() -> None:
    """Fails when `finish()` leaves a disabled run in `localart.run`; its `with` block does leave it there (W&B)."""
    localart.init(mode="disabled").finish()
    assert localart.run is None
    with pytest.raises(localart.Error):
        localart.log({"x": 1})


def test_a_disabled_run_has_no_members_that_runs_have_not() -> None:
    with localart.init(mode="disabled") as run:
        assert not hasattr(run, "no_such_thing")
        assert callable(run.link_artifact)


# --- tables ----------------------------------------------------------------------------------------------


def test_what_w_and_b_asserts_of_tables_is_an_assertion_error_too() -> None:
    table = localart.Table(columns=["a"], data=[[1]])
    for refused in (
        lambda: table.add_column("a", [1]),
        lambda: table.add_column("b", [1, 2]),
        lambda: table.get_column("zz"),
        lambda: localart.Table(columns="ab"),
        lambda: localart.Table(dataframe=5),
        lambda: localart.Table(columns=["a"], log_mode="X"),
        lambda: localart.Classes([{"id": 0}]),
    ):
        with pytest.raises(AssertionError):
            refused()
        with pytest.raises((ValueError, TypeError)):
            refused()


# --- names in modules of W&B's -----------------------------------------------------------------------------


def test_a_run_may_be_resumed_by_an_id_that_util_made() -> None:
    made = localart.util.generate_id()
    for _ in range(2):
        with localart.init(project="demo", id=made, resume="allow") as run:
            run.log({"x": 1})

    assert (run.id, run.resumed, len(localart.util.generate_id(12))) == (made, True, 12)
    assert localart.sdk.lib.runid.generate_id() != made
    assert localart.util.make_artifact_name_safe("a b/c") == "a_b_c"


def test_annotations_may_name_the_modules_of_w_and_b() -> None:
    def evaluate(run: localart.sdk.wandb_run.Run, seen: localart.apis.public.Run) -> None:
        del run, seen

    assert localart.sdk.wandb_run.Run is localart.wandb_run.Run is localart.Run
    assert localart.data_types.Table is localart.Table
    with localart.init(project="demo") as run:
        pass
    assert isinstance(localart.Api().run(run.path), localart.apis.public.Run)
    assert isinstance(localart.Api().runs("demo"), localart.apis.public.Runs)
    with pytest.raises(AttributeError):
        _ = localart.util.no_such_thing


# --- Api: its one error ------------------------------------------------------------------------------------


def test_what_api_cannot_take_is_a_comm_error_too() -> None:
    """Fails when a TypeError passes `Api` as it is: W&B's decorator makes every error a CommError."""
    with localart.init(project="demo") as run:
        pass
    api = localart.Api()
    for refused in (lambda: api.artifact(5), lambda: api.run(5), lambda: api.artifacts(name="demo/ds")):
        with pytest.raises(localart.CommError):
            refused()
        with pytest.raises(TypeError):
            refused()
    with pytest.raises(localart.CommError, match="takes an Artifact"):
        api.run(run.path).use_artifact("ds:v0")


def test_a_project_that_is_not_there_is_a_value_error_as_in_w_and_b() -> None:
    """Fails when ProjectNotFound is no ValueError: scripts that list runs catch that."""
    with localart.init(project="demo"):
        pass
    with pytest.raises(ValueError, match="No project 'gone'"):
        len(localart.Api().runs("gone"))
