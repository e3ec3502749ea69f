"""What the environment says, and where the store is found."""

from pathlib import Path

import pytest

from localart.errors import UsageError
from localart.settings import find_store, read_settings


def test_localarts_own_name_comes_before_the_one_of_wandb():
    assert read_settings({"WANDB_PROJECT": "theirs"}).project == "theirs"
    assert read_settings({"WANDB_PROJECT": "theirs", "LOCALART_PROJECT": "ours"}).project == "ours"


def test_an_empty_variable_is_as_good_as_none():
    settings = read_settings({"LOCALART_DIR": "", "WANDB_PROJECT": "", "LOCALART_TAGS": ""})

    assert (settings.store, settings.project, settings.tags) == (None, None, ())


def test_tags_are_parted_by_commas_and_stripped():
    assert read_settings({"WANDB_TAGS": "a, b ,,c d, "}).tags == ("a", "b", "c d")


@pytest.mark.parametrize(
    ("said", "silent"), [("1", True), ("true", True), ("ON", True), ("0", False), ("", False)]
)
def test_silence_is_asked_for_in_words_or_numbers(said, silent):
    assert read_settings({"WANDB_SILENT": said}).silent is silent


def test_a_tilde_is_the_home_folder_even_where_no_shell_has_seen_it(monkeypatch):
    monkeypatch.setenv("HOME", "/somebody")

    settings = read_settings({"LOCALART_DIR": "~/store", "WANDB_ARTIFACT_DIR": "~/downloads"})

    assert settings.store == Path("/somebody/store")
    assert settings.artifact_folder == Path("/somebody/downloads")


def test_a_home_nobody_has_is_said_plainly():
    with pytest.raises(UsageError, match="no home folder for '~nobody-of-that-name/store'"):
        read_settings({"LOCALART_DIR": "~nobody-of-that-name/store"})


def test_a_relative_store_lies_below_the_working_folder(workdir):
    assert find_store(read_settings({"LOCALART_DIR": "here/store"})) == workdir / "here" / "store"


def test_the_nearest_store_upward_is_found(workdir):
    (workdir / ".localart").mkdir()
    (workdir / "a" / "b").mkdir(parents=True)

    assert find_store(read_settings({}), workdir / "a" / "b") == workdir / ".localart"


def test_a_file_called_like_a_store_folder_is_passed_over(workdir):
    (workdir / ".localart").mkdir()
    (workdir / "a").mkdir()
    (workdir / "a" / ".localart").touch()

    assert find_store(read_settings({}), workdir / "a") == workdir / ".localart"


def test_without_any_store_it_is_the_users_data_folder(workdir, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(workdir / "data"))

    assert find_store(read_settings({}), Path("/")) == workdir / "data" / "localart"
