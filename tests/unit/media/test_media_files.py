"""Kinds of media that are one file: what they take, what they refuse, and that they come back equal."""

import hashlib
import io
import json
import os
import wave

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from localart.errors import NotLocalError, SourceMissing, UsageError
from localart.media import attach
from localart.media.audio import Audio
from localart.media.html import Html
from localart.media.molecule import Molecule
from localart.media.object3d import Object3D, box3d
from localart.media.plotly import Plotly
from localart.media.video import Video

CLIP = np.arange(2 * 3 * 4 * 6, dtype=np.uint8).reshape(2, 3, 4, 6)


class Figure:
    """What Plotly's figures look like to us."""

    def __init__(self, **content):
        self.content = content

    def to_plotly_json(self):
        return self.content


def samples_of(audio):
    with wave.open(io.BytesIO(audio.data)) as file:
        return file.getparams()[:3], np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


# --- all kinds ---------------------------------------------------------------------------------------

EVERY_KIND = [
    pytest.param(lambda: Audio([0.0, 1.0], sample_rate=8, caption="é"), id="audio"),
    pytest.param(lambda: Video(CLIP, format="gif", fps=2, caption="clip"), id="video"),
    pytest.param(lambda: Html("<p>\r\nhi</p>"), id="html"),
    pytest.param(lambda: Object3D(np.eye(3), caption="points"), id="object3d"),
    pytest.param(lambda: Object3D(io.StringIO("solid"), file_type="stl"), id="stl"),
    pytest.param(lambda: Molecule(io.StringIO("ATOM"), file_type="pdb", caption="atom"), id="molecule"),
    pytest.param(lambda: Plotly(Figure(data=[{"y": np.arange(40)}])), id="plotly"),
]


@pytest.mark.parametrize("make", EVERY_KIND)
def test_it_comes_back_equal_from_an_artifact(make, shelf):
    media = make()

    again = shelf.again(media)

    assert again == media
    assert again is not media
    assert (again.data, again.suffix, again.caption) == (media.data, media.suffix, media.caption)
    assert hash(again) == hash(media)


@pytest.mark.parametrize("make", EVERY_KIND)
def test_its_record_names_the_file_and_its_checksum(make, shelf):
    media = make()

    record = media.to_run(shelf)

    assert record["path"].startswith(f"{media.folder}/")
    assert record["path"].endswith(media.suffix)
    assert record["_type"] == media.kind
    assert shelf.files[record["path"]] == media.data
    assert record["size"] == len(media.data)
    assert record["sha256"] == hashlib.sha256(media.data).hexdigest()
    assert record.get("caption") == media.caption
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize("make", EVERY_KIND)
def test_the_same_content_gives_the_same_bytes(make):
    assert make().data == make().data
    assert make() != make().data
    assert "bytes>" in repr(make())


@pytest.mark.parametrize(
    ("kind", "ending"),
    [(Audio, ".wav"), (Video, ".mp4"), (Object3D, ".obj"), (Molecule, ".pdb"), (Html, ".html")],
)
def test_paths_that_are_no_files_are_refused(kind, ending, tmp_path):
    (tmp_path / f"folder{ending}").mkdir()
    (tmp_path / f"broken{ending}").symlink_to("nowhere")
    os.mkfifo(tmp_path / f"pipe{ending}")

    for name in ("folder", "pipe"):
        with pytest.raises(ValueError, match="not a file"):
            kind(tmp_path / f"{name}{ending}")
    for name in ("broken", "missing"):
        with pytest.raises(SourceMissing):
            kind(tmp_path / f"{name}{ending}")
    if kind is not Html:
        with pytest.raises(NotLocalError):
            kind(f"https://example.com/a{ending}")


@pytest.mark.parametrize(
    ("kind", "ending"), [(Audio, ".mp3"), (Video, ".webm"), (Object3D, ".glb"), (Molecule, ".mmtf")]
)
def test_a_file_is_kept_byte_for_byte_also_through_a_link(kind, ending, tmp_path):
    (tmp_path / f"real{ending}").write_bytes(bytes(range(256)))
    (tmp_path / f"link{ending}").symlink_to(f"real{ending}")

    media = kind(str(tmp_path / f"link{ending}"), caption="x")
    (tmp_path / f"real{ending}").write_bytes(b"later")

    assert (media.data, media.suffix) == (bytes(range(256)), ending)


@pytest.mark.parametrize("kind", [Audio, Object3D, Molecule])
def test_files_that_are_too_large_are_refused_unread(kind, tmp_path):
    path = tmp_path / {Audio: "a.wav", Object3D: "a.obj", Molecule: "a.pdb"}[kind]
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)

    with pytest.raises(ValueError, match="larger than"):
        kind(path)


@pytest.mark.parametrize(
    ("kind", "name"), [(Video, "a.avi"), (Object3D, "a.ply"), (Molecule, "a.xyz"), (Molecule, "pdb")]
)
def test_endings_nobody_can_show_are_refused(kind, name):
    with pytest.raises(ValueError, match="takes files that end in"):
        kind(name)


@pytest.mark.parametrize("kind", [Video, Object3D, Molecule])
def test_an_open_file_must_say_its_type(kind):
    with pytest.raises(ValueError, match="type"):
        kind(io.BytesIO(b"x"))


@pytest.mark.parametrize("kind", [Audio, Video, Object3D, Molecule, Html, Plotly])
@pytest.mark.parametrize("source", [None, 3, ..., {1, 2}], ids=repr)
def test_other_objects_are_refused(kind, source):
    with pytest.raises((TypeError, ValueError)):
        kind(source)


# --- audio -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param([0.0, 0.5, -0.5, 1.0, -1.0, 7.0], id="list"),
        pytest.param(np.array([0.0, 0.5, -0.5, 1.0, -1.0, 7.0]), id="doubles"),
        pytest.param(np.array([0.0, 0.5, -0.5, 1.0, -1.0, 7.0], dtype=">f4"), id="big endian"),
        pytest.param(torch.tensor([0.0, 0.5, -0.5, 1.0, -1.0, 7.0]), id="tensor"),
    ],
)
def test_floats_become_samples_of_16_bits_and_what_is_too_loud_is_cut(samples):
    audio = Audio(samples, sample_rate=6)

    shape, values = samples_of(audio)
    assert shape == (1, 2, 6)
    assert values.tolist() == [0, 16384, -16384, 32767, -32767, 32767]
    assert audio.duration == 1.0


def test_whole_samples_are_kept_and_channels_stay_side_by_side():
    stereo = np.array([[1, -2], [30000, 4], [5, 6]], dtype=np.int16)

    assert samples_of(Audio(stereo, sample_rate=44100))[0] == (2, 2, 44100)
    assert samples_of(Audio(stereo, sample_rate=1))[1].tolist() == [1, -2, 30000, 4, 5, 6]
    assert (
        samples_of(Audio(stereo.astype(np.int32) << 16, sample_rate=1))[1].tolist() == stereo.ravel().tolist()
    )
    assert samples_of(Audio([[0, 1], [1, 0]], sample_rate=1))[0] == (2, 2, 1)


@pytest.mark.parametrize(
    "samples",
    [[], [[]], [[1], [1, 2]], [float("nan")], [float("inf")], np.zeros((2, 2, 2)), np.zeros((0,)), np.array(1.0),
     np.array([np.nan]), np.array([-np.inf]), np.zeros((1, 70_000))],
    ids=str,
)  # fmt: skip
def test_samples_of_a_wrong_shape_or_without_a_value_are_value_errors(samples):
    with pytest.raises(ValueError, match=r"audio|Audio"):
        Audio(samples, sample_rate=8)


@pytest.mark.parametrize(
    "samples", [np.array(["a"]), np.array([1]), np.array([object()]), ["a"], "", b"", {}]
)
def test_what_is_no_sample_is_an_error(samples):
    with pytest.raises((TypeError, ValueError)):
        Audio(samples, sample_rate=8)


@pytest.mark.parametrize("rate", [None, 0, -1, 1 << 40, "x", [1], float("nan")])
def test_samples_need_a_rate(rate):
    with pytest.raises((TypeError, ValueError), match="sample_rate"):
        Audio([0.0], sample_rate=rate)


def test_a_list_of_clips_has_w_and_bs_record(shelf):
    clips = [Audio([0.0] * 8, sample_rate=4, caption="a"), Audio([0.0], sample_rate=2)]
    records = [clip.to_run(shelf) for clip in clips]

    assert Audio.list_in_run(clips, records) == {
        "_type": "audio",
        "count": 2,
        "audio": records,
        "sampleRates": [4, 2],
        "durations": [2.0, 0.5],
        "captions": ["a", ""],
    }


# --- video -------------------------------------------------------------------------------------------


def test_frames_become_a_gif_of_their_size_and_rate():
    rng = np.random.default_rng(1)
    video = Video(rng.integers(0, 255, (3, 3, 4, 6), dtype=np.uint8), format="gif", fps=10)

    with Pillow.open(io.BytesIO(video.data)) as gif:
        assert (gif.format, gif.size, gif.n_frames, gif.info["duration"]) == ("GIF", (6, 4), 3, 100)
    assert video.describe() == {"width": 6, "height": 4}


@pytest.mark.parametrize(
    ("batch", "size"), [(1, (6, 4)), (2, (12, 4)), (3, (24, 4)), (4, (12, 8)), (5, (24, 8))]
)
def test_a_batch_of_clips_is_laid_out_as_a_grid(batch, size):
    video = Video(np.stack([CLIP] * batch), format="gif")

    assert (video.describe()["width"], video.describe()["height"]) == size


def test_the_clips_of_a_batch_are_side_by_side_row_by_row():
    clips = np.stack([np.full((1, 1, 2, 3), level, np.uint8) for level in (0, 80, 160, 240)])

    with Pillow.open(io.BytesIO(Video(clips, format="gif").data)) as gif:
        levels = np.asarray(gif.convert("L"))[::2, ::3]

    assert levels.tolist() == [[0, 80], [160, 240]]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_frames_may_be_grey_coloured_or_transparent(channels):
    frames = np.zeros((2, channels, 3, 3))

    assert Video(frames, format="gif").data.startswith(b"GIF89a")
    assert Video(torch.zeros((2, channels, 3, 3)), format="gif").data.startswith(b"GIF8")


@pytest.mark.parametrize(
    "frames",
    [np.zeros((3, 4, 4)), np.zeros((2, 2, 4, 4)), np.zeros((0, 3, 4, 4)), np.zeros((1, 3, 0, 4)), np.zeros(3),
     np.zeros((1, 1, 1, 1, 1, 1)), [[1]], np.broadcast_to(np.uint8(0), (1 << 12, 3, 1 << 12, 1 << 12)),
     np.zeros((1, 1, 1, 70_000))],
    ids=lambda frames: str(np.shape(frames)),
)  # fmt: skip
def test_frames_of_a_wrong_shape_are_value_errors(frames):
    with pytest.raises(ValueError, match=r"frames|Video|video|GIF"):
        Video(frames, format="gif")


def test_frames_that_are_no_numbers_are_a_type_error():
    with pytest.raises(TypeError, match="numbers"):
        Video(np.full((1, 3, 2, 2), "a"), format="gif")


def test_values_that_are_no_bytes_are_cut_to_them():
    frames = np.zeros((1, 1, 1, 4))
    frames[0, 0, 0] = [np.nan, -5, 300, 255]

    assert Video(frames, format="gif").data == Video(np.array([[[[0, 0, 255, 255]]]]), format="gif").data


@pytest.mark.parametrize("fps", [0, -1, "a", 1e9, float("nan")])
def test_the_frame_rate_must_be_a_number(fps):
    with pytest.raises(ValueError, match="fps"):
        Video(CLIP, format="gif", fps=fps)


def test_an_open_video_needs_its_format():
    assert Video(io.BytesIO(b"film"), format="mp4").data == b"film"
    for wanted in (None, "avi"):
        with pytest.raises(ValueError, match="gif"):
            Video(io.BytesIO(b"film"), format=wanted)


def test_films_need_moviepy_and_say_so():
    try:
        import moviepy  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match="moviepy"):
            Video(CLIP, format="mp4")


def test_lists_of_videos_and_objects_and_molecules_have_w_and_bs_records(shelf):
    videos = [Video(io.BytesIO(b"a"), format="mp4", caption="x")]
    objects = [Object3D(np.eye(3), caption="z")]
    molecules = [Molecule(io.StringIO("x"), file_type="pdb")]
    pages = [Html("x")]
    kept = {one: one.to_run(shelf) for one in (*videos, *objects, *molecules, *pages)}

    assert Video.list_in_run(videos, [kept[videos[0]]]) == {
        "_type": "videos", "count": 1, "videos": [kept[videos[0]]], "captions": ["x"],
    }  # fmt: skip
    path = kept[objects[0]]["path"]
    assert Object3D.list_in_run(objects, [kept[objects[0]]]) == {
        "_type": "object3D", "count": 1, "filenames": [path.rpartition("/")[2]], "objects": [kept[objects[0]]],
    }  # fmt: skip
    assert Molecule.list_in_run(molecules, [kept[molecules[0]]]) == {
        "_type": "molecule", "count": 1, "filenames": [kept[molecules[0]]["path"]],
    }  # fmt: skip
    assert Html.list_in_run(pages, [kept[pages[0]]]) == {
        "_type": "html",
        "count": 1,
        "html": [kept[pages[0]]],
    }


# --- html --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<b>x", '<base target="_blank"><b>x'),
        ("<html><body>", '<html><head><base target="_blank"></head><body>'),
        ("<html><head><title>", '<html><head><base target="_blank"><title>'),
    ],
)
def test_links_are_made_to_open_elsewhere_unless_told_otherwise(given, kept):
    assert Html(given).html == kept
    assert Html(given, inject=False).html == given
    assert "http" not in Html(given).html


def test_html_comes_from_text_files_and_paths(tmp_path):
    page = tmp_path / "page.html"
    page.write_bytes("<p>ä\r\n</p>".encode())

    for source in (page, str(page), io.StringIO("<p>ä\r\n</p>"), io.BytesIO(page.read_bytes())):
        assert Html(source, inject=False).data == page.read_bytes()
    assert Html(str(page), inject=False, data_is_not_path=True).html == str(page)
    assert Html("none.html", inject=False).html == "none.html"
    assert Html("x" * 5000 + ".html", inject=False).html.startswith("xx")
    with pytest.raises(ValueError, match="text"):
        Html(5)


def test_bytes_that_are_no_text_are_kept_only_as_they_are(tmp_path):
    (tmp_path / "odd.html").write_bytes(b"\xff\xfe")

    assert Html(tmp_path / "odd.html", inject=False).data == b"\xff\xfe"
    with pytest.raises(ValueError, match="utf-8"):
        Html(tmp_path / "odd.html")


def test_scripts_are_kept_but_shown_only_in_a_sandbox():
    page = Html("<script>alert('x')</script>\"><img src=x onerror=alert(1)>", inject=False)

    shown = page._repr_html_()

    assert "<script>alert('x')</script>" in page.html
    assert shown.startswith('<iframe sandbox="" srcdoc="')
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count('"') == 6


# --- object3d ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [3, 4, 6])
def test_points_are_kept_as_lists(width):
    points = np.arange(2 * width).reshape(2, width)

    assert json.loads(Object3D(points).data) == points.tolist()
    assert Object3D.from_numpy(points).suffix == ".pts.json"
    assert Object3D(torch.tensor(points)) == Object3D(points)


@pytest.mark.parametrize(
    "points",
    [np.zeros(3), np.zeros((2, 5)), np.zeros((2, 3, 1)), np.array([[np.nan] * 3]), np.array([[np.inf] * 3]),
     np.array([["a"] * 3]), np.array([[None] * 3]), np.broadcast_to(0.0, (1 << 40, 3)), [[1, 2, 3]]],
    ids=lambda points: f"{np.shape(points)}",
)  # fmt: skip
def test_points_of_a_wrong_shape_or_without_a_value_are_value_errors(points):
    with pytest.raises(ValueError, match=r"point|Object3D"):
        Object3D(points)


def test_a_scene_has_points_boxes_and_vectors():
    box = box3d(
        center=[1, 2, 3], size=[2, 4, 6], orientation=[1, 0, 0, 0], color=(0, 1, 0), label="car", score=0.5
    )

    scene = Object3D.from_point_cloud(np.zeros((2, 3)), [box], [{"start": [0, 0, 0], "end": [1, 1, 1]}])

    kept = json.loads(scene.data)
    assert kept["type"] == "lidar/beta"
    assert kept["points"] == [[0, 0, 0], [0, 0, 0]]
    assert kept["boxes"][0]["corners"][0] == [0, 0, 0]
    assert kept["boxes"][0]["corners"][-1] == [2, 4, 6]
    assert (kept["boxes"][0]["label"], kept["vectors"][0]["end"]) == ("car", [1, 1, 1])
    with pytest.raises(ValueError, match="lidar"):
        Object3D({"type": "mesh"})
    with pytest.raises(ValueError, match="NaN"):
        Object3D({"type": "lidar/beta", "points": [[float("nan")]]})
    with pytest.raises(ValueError, match="list"):
        Object3D({"type": "lidar/beta", "points": "text"})


def test_a_box_may_be_turned():
    half = 0.5**0.5
    box = box3d(center=[0, 0, 0], size=[2, 4, 6], orientation=[half * 9, 0, 0, half * 9], color=(1, 1, 1))

    corners = np.array(box["corners"])
    assert np.allclose(np.abs(corners), [2, 1, 3])
    for wrong in ({"size": [1]}, {"orientation": [0, 0, 0, 0]}, {"center": [float("nan"), 0, 0]}):
        with pytest.raises(ValueError, match="box"):
            box3d(
                **{"center": [0, 0, 0], "size": [1, 1, 1], "orientation": [1, 0, 0, 0], "color": [1, 1, 1]}
                | wrong
            )


@pytest.mark.parametrize(("axis", "corner"), [("x", [1, -3, 2]), ("y", [3, 2, -1]), ("z", [-2, 1, 3])])
def test_a_quarter_turn_moves_a_corner_around_its_axis(axis, corner):
    half = 0.5**0.5
    orientation = [half, *(half * (name == axis) for name in "xyz")]

    box = box3d(center=[0, 0, 0], size=[2, 4, 6], orientation=orientation, color=(1, 1, 1))

    assert np.allclose(box["corners"][-1], corner)


def test_open_files_with_a_name_need_no_type(tmp_path):
    (tmp_path / "scene.pts.json").write_text("[[0,0,0]]")
    (tmp_path / "water.pdb").write_text("ATOM")

    with (tmp_path / "scene.pts.json").open() as scene, (tmp_path / "water.pdb").open("rb") as water:
        assert (Object3D(scene).suffix, Molecule(water).suffix) == (".pts.json", ".pdb")
        assert Object3D.from_file(str(tmp_path / "scene.pts.json")) == Object3D(scene)


# --- plotly ------------------------------------------------------------------------------------------


def test_a_figure_is_plain_json_with_gaps_where_no_number_is():
    figure = Figure(data=[{"y": np.array([1.0, np.nan, np.inf]), "name": "é"}], layout={})

    assert Plotly(figure).figure == {"data": [{"y": [1.0, None, None], "name": "é"}], "layout": {}}
    with pytest.raises(ValueError, match="JSON"):
        Plotly(Figure(data=object()))
    with pytest.raises(ValueError, match="Image"):
        Plotly({"data": []})


# --- records that were forged ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("a.audio-file.json", {"_type": "audio-file", "path": "../../etc/passwd"}),
        ("a.audio-file.json", {"_type": "audio-file", "path": "/etc/passwd"}),
        ("a.audio-file.json", {"_type": "audio-file", "path": "media/none.wav"}),
        ("a.audio-file.json", {"_type": "audio-file", "path": 5}),
        ("a.audio-file.json", {"_type": "audio-file"}),
        ("a.audio-file.json", {"_type": "audio-file", "path": "real.wav", "caption": 5}),
        ("a.audio-file.json", {"_type": "video-file", "path": "real.wav"}),
        ("a.audio-file.json", {"_type": "unheard-of", "path": "real.wav"}),
        ("a.audio-file.json", {}),
        ("a.audio-file.json", []),
        ("a.audio-file.json", None),
        ("a.image-file.json", {"_type": "image-file", "path": "real.wav"}),
        ("a.image-file.json", {"_type": "image-file", "path": "real.png", "boxes": {"a": 5}}),
        ("a.image-file.json", {"_type": "image-file", "path": "real.png", "boxes": {"a": [{}]}}),
        ("a.image-file.json", {"_type": "image-file", "path": "real.png", "masks": {"a": {"path": "../x"}}}),
        (
            "a.image-file.json",
            {"_type": "image-file", "path": "real.png", "masks": {"a": {"path": "real.wav"}}},
        ),
        ("a.image-file.json", {"_type": "image-file", "path": "real.png", "masks": [1]}),
        (
            "a.image-file.json",
            {"_type": "image-file", "path": "real.png", "classes": {"path": "a.image-file.json"}},
        ),
        (
            "a.image-file.json",
            {
                "_type": "image-file",
                "path": "real.png",
                "boxes": {"a": []},
                "box_class_labels": {"a": {"x": "y"}},
            },
        ),
        ("a.plotly-file.json", {"_type": "plotly-file", "path": "real.wav"}),
        ("a.histogram.json", {"_type": "histogram", "values": [1], "bins": [0]}),
        ("a.histogram.json", {"_type": "histogram", "values": "x", "bins": [0]}),
        ("a.histogram.json", {"_type": "histogram", "values": [{}], "bins": [0, 1]}),
        ("a.classes.json", {"_type": "classes", "class_set": [1]}),
        ("a.classes.json", {"_type": "classes", "class_set": [{"id": [], "name": 1}]}),
    ],
    ids=str,
)
def test_a_forged_record_is_a_value_error(shelf, name, record):
    shelf.files["real.wav"] = b"RIFF"
    shelf.files["real.png"] = attach_png()
    # Whoever does not check a path finds these.
    for outside in ("../../etc/passwd", "/etc/passwd", "../x"):
        shelf.files[outside] = attach_png()
    shelf.files[name] = attach.encode_record(record)

    with pytest.raises(ValueError, match=r"\w"):
        shelf.load("a")


def attach_png():
    content = io.BytesIO()
    Pillow.new("L", (1, 1)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xff", b"[" * 200_000, b'{"_type":' + b'{"a":' * 100_000, b"1" * 5000],
    ids=["empty", "cut", "binary", "deep list", "deep dict", "number"],
)
def test_a_record_that_is_no_json_is_a_value_error(shelf, content):
    shelf.files["a.table.json"] = content

    with pytest.raises(ValueError, match="not a media record"):
        shelf.load("a")


def test_every_kind_of_media_has_a_name_in_the_package():
    import localart.media

    for name in localart.media.__all__:
        assert getattr(localart.media, name).__name__ == name
    for kind in attach.KINDS:
        assert attach.class_of(kind).kind == kind
    with pytest.raises(AttributeError):
        _ = localart.media.Hologram


def test_what_was_never_added_is_none(shelf):
    shelf.files["plain.txt"] = b"x"

    assert shelf.load("plain.txt") is None
    assert shelf.load("nothing") is None
    assert shelf.load("../outside") is None
    assert shelf.load("") is None
