"""What a notebook shows of artifacts and lineages; nothing of it needs IPython."""

import re
import sys
from xml.etree import ElementTree as ET

import pytest

import localart

EVIL = "<script>alert(1)</script>&\"'"


@pytest.fixture
def artifact():
    with localart.init(project="p", job_type="make", name=f"run {EVIL}") as run:
        draft = localart.Artifact("ds", type=f"data {EVIL}", metadata={EVIL: EVIL, "long": "x" * 5000})
        for number in range(30):
            with draft.new_file(f"{number:02}-{EVIL.replace('/', '-')}") as file:
                file.write("content")
        run.log_artifact(draft)
    with localart.init(project="p", job_type="use") as run:
        run.use_artifact("ds:latest")
    return localart.Api().artifact("p/ds:latest")


def test_an_artifact_shows_its_facts_escaped_and_bounded(artifact):
    shown = artifact._repr_html_()

    assert "p/ds:latest" in shown
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
    assert "x" * 300 not in shown
    assert shown.count("7 bytes") == 20
    assert "the first 20 files" in shown


def test_a_draft_and_a_deleted_version_show_themselves_too(artifact):
    draft = localart.Artifact("other", type="t")
    artifact.delete(delete_aliases=True)

    assert "PENDING" in draft._repr_html_()
    assert "DELETED" in artifact._repr_html_()


def test_a_lineage_draws_itself_as_a_sound_picture(artifact):
    shown = localart.Api().lineage("p/ds:latest")._repr_html_()

    picture = re.search(r"<svg.*</svg>", shown, re.DOTALL)[0]
    texts = "".join(ET.fromstring(picture).itertext())
    assert "ds:v0" in texts
    assert "run" in texts
    assert "<script" not in shown
    assert "IPython" not in sys.modules


def test_a_file_of_a_version_is_opened_without_a_download(artifact, workdir):
    name = f"03-{EVIL.replace('/', '-')}"
    with artifact.open(name) as file:
        file.seek(3)
        assert file.read() == b"tent"
    with pytest.raises(KeyError):
        artifact.open("no such file")
    assert list(workdir.iterdir()) == []
