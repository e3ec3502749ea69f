import hashlib
import io
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from localart.errors import (
    InvalidMetadata,
    NotLocalError,
    SourceError,
    SourceMissing,
    UsageError,
)
from localart.media import Image, Media


def seen(image):
    """The pixels as Pillow decodes them."""
    return np.asarray(image.image)


@pytest.fixture
def ramp():
    return np.arange(4 * 6, dtype=np.uint8).reshape(4, 6) * 10


def test_a_float_tensor_of_the_tutorial_becomes_a_grey_picture():
    tensor = torch.rand(1, 28, 28)

    image = Image(tensor, caption="7,1")

    assert (image.width, image.height, image.format, image.suffix) == (28, 28, "png", ".png")
    assert image.caption == "7,1"
    assert image.image.mode == "L"
    assert (seen(image) == (tensor[0].double() * 255).numpy().astype(np.uint8)).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_arrays_have_their_channels_last_and_tensors_first(channels, mode):
    array = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    tensor = torch.from_numpy(array).permute(2, 0, 1)

    assert Image(array).image.mode == mode
    assert (seen(Image(array)).reshape(5, 7, channels) == array).all()
    assert Image(tensor).data == Image(array).data


def test_equal_pixels_are_equal_bytes_whatever_holds_them(ramp):
    twins = [
        Image(ramp),
        Image(ramp[:, :, None]),
        Image(ramp[None, :, :]),
        Image(ramp.astype(np.int64)),
        Image(ramp.astype(np.float32)),
        Image(np.asfortranarray(ramp)),
        Image(torch.from_numpy(ramp)),
        Image(torch.from_numpy(ramp)[None]),
        Image(torch.from_numpy(ramp)[None, None].float()),
        Image(Pillow.fromarray(ramp)),
        Image(ramp.tolist()),
        Image([[[value] for value in row] for row in ramp.tolist()]),
        Image(list(ramp)),
        Image(Image(ramp)),
        Image(Image(ramp).data),
    ]

    assert len({twin.data for twin in twins}) == 1


@pytest.mark.parametrize(
    ("dtype", "make"),
    [
        ("float32", lambda a: a),
        ("bfloat16", lambda a: a.bfloat16()),
        ("grad", lambda a: a.requires_grad_()),
        ("strided", lambda a: a.repeat(1, 1, 2)[:, :, ::2]),
    ],
)
def test_tensors_of_any_kind_are_taken(dtype, make):
    image = Image(make(torch.full((3, 4, 4), 0.5)))

    assert (seen(image) == 127).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0.0, 0.5, 1.0]], [[0, 127, 255]]),
        ([[-1.0, 0.0, 1.0]], [[0, 127, 255]]),
        ([[-2.0, -1.0, 2.0]], [[0, 63, 255]]),
        ([[0.0, 100.7, 300.0]], [[0, 100, 255]]),
        ([[-3.0, -3.0, -3.0]], [[0, 0, 0]]),
        ([[float("nan"), 0.5, 1.0]], [[0, 127, 255]]),
        ([[float("inf"), 0.5, 0.0]], [[255, 0, 0]]),
        ([[True, False, True]], [[255, 0, 255]]),
        ([[-5, 1, 300]], [[0, 1, 255]]),
    ],
)
def test_numbers_are_fitted_to_bytes_by_the_same_rule_everywhere(values, expected):
    assert seen(Image(values)).tolist() == expected
    assert seen(Image(np.array(values))).tolist() == expected
    assert seen(Image(torch.tensor(values))).tolist() == expected


def test_without_normalize_floats_are_only_clipped():
    assert seen(Image(np.array([[-1.0, 0.5, 1.0, 300.0]]), normalize=False)).tolist() == [[0, 0, 1, 255]]
    assert seen(Image([[-1.0, 0.5, 1.0, 300.0]], normalize=False)).tolist() == [[0, 0, 1, 255]]


def test_stretching_between_infinite_values_is_refused():
    with pytest.raises(ValueError, match="clip them first"):
        Image(np.array([[-np.inf, 1.0]]))


def test_the_source_is_neither_changed_nor_kept(ramp):
    floats = np.array([[np.nan, -1.0]])
    image, before = Image(ramp), Image(ramp).data
    Image(floats)
    ramp[:] = 0

    assert image.data == before
    assert np.isnan(floats[0, 0])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", "L"),
        ("LA", "LA"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("1", "L"),
        ("P", "RGB"),
        ("CMYK", "RGB"),
        ("F", "L"),
    ],
)
def test_pillow_images_of_any_mode_are_taken(mode, expected):
    image = Image(Pillow.new(mode, (3, 2)))

    assert image.image.mode == expected
    assert (image.width, image.height) == (3, 2)


def test_sixteen_bits_of_a_pillow_image_are_kept():
    deep = Pillow.new("I;16", (3, 2), 60_000)

    assert Image(deep).image.getpixel((0, 0)) == 60_000
    assert Image(deep, file_type="bmp").image.mode == "L"


@pytest.mark.parametrize(
    ("name", "format_name"),
    [("PNG", "png"), ("JPEG", "jpg"), ("BMP", "bmp"), ("GIF", "gif"), ("WEBP", "webp")],
)
def test_a_file_is_kept_byte_for_byte_and_known_by_its_content(tmp_path, name, format_name):
    path = tmp_path / "picture.dat"
    Pillow.new("RGB", (13, 7), "red").save(path, name)

    for given in (path, str(path)):
        image = Image(given)
        assert image.data == path.read_bytes()
        assert (image.format, image.width, image.height) == (format_name, 13, 7)


def test_a_file_may_change_after_it_was_taken(tmp_path):
    path = tmp_path / "a.png"
    Pillow.new("L", (2, 2)).save(path)
    image, before = Image(path), path.read_bytes()
    path.unlink()

    assert image.data == before


def test_files_that_are_no_pictures_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # messages cut long paths
    (tmp_path / "a.png").write_bytes(b"not a picture")

    with pytest.raises(ValueError, match=r"a\.png.*PNG, JPEG"):
        Image("a.png")
    with pytest.raises(SourceMissing, match=r"none\.png"):
        Image("none.png")
    with pytest.raises(SourceError, match="folder"):
        Image(".")
    with pytest.raises(NotLocalError, match="download"):
        Image("https://example.org/a.png")
    with pytest.raises(ValueError, match="bytes given"):
        Image(b"not a picture")


@pytest.mark.parametrize(
    ("file_type", "format_name"), [("png", "png"), ("jpg", "jpg"), ("jpeg", "jpg"), ("bmp", "bmp")]
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_are_written_in_the_file_type_asked_for(file_type, format_name, channels):
    image = Image(np.full((4, 5, channels), 200, np.uint8), file_type=file_type)

    assert image.format == format_name
    assert abs(int(seen(image).ravel()[0]) - 200) <= 2
    assert (image.width, image.height) == (5, 4)


def test_an_unknown_file_type_is_refused():
    with pytest.raises(ValueError, match="png, jpg, jpeg and bmp"):
        Image([[0]], file_type="tiff")


def test_a_mode_converts_the_picture(ramp):
    assert Image(ramp, mode="RGB").image.mode == "RGB"
    assert Image(Pillow.fromarray(ramp), mode="RGBA").image.mode == "RGBA"
    with pytest.raises(ValueError, match="nonsense"):
        Image(ramp, mode="nonsense")


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2, 2), (5, 5, 2), (3, 28, 28), (5, 6, 7), ()])
def test_arrays_of_another_shape_say_which_shapes_are_right(shape):
    with pytest.raises(ValueError, match=r"\(height, width\) or \(height, width, 1, 3 or 4\)"):
        Image(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 4), (28, 28, 3), ()])
def test_tensors_of_another_shape_say_which_shapes_are_right(shape):
    with pytest.raises(ValueError, match=r"\(1, 3 or 4, height, width\)"):
        Image(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 3, 3)])
def test_a_picture_without_pixels_is_refused(shape):
    with pytest.raises(ValueError, match="at least one pixel"):
        Image(np.zeros(shape))


@pytest.mark.parametrize("rows", [[], [[]], [[1, 2], [3]], [[[1, 2]]], [[[1, 2, 3], [1]]], [[[1, 2, 3], 1]]])
def test_uneven_lists_are_refused(rows):
    with pytest.raises(ValueError, match="an image"):
        Image(rows)


@pytest.mark.parametrize(
    "source", [None, 3, {"a": 1}, object(), [1, 2], [["a"]], ["ab"], np.array([["a"]]), np.array([[1j]])]
)
def test_what_is_no_picture_is_a_type_error(source):
    with pytest.raises(TypeError, match="image"):
        Image(source)


def annotated(**more):
    box = {"position": {"minX": np.float32(0.5), "maxX": 1, "minY": 0, "maxY": 1}, "class_id": 0}
    return Image(
        np.zeros((2, 3), np.uint8),
        caption="a\nb",
        classes=[{"id": 7, "name": "sky"}],
        boxes={"predictions": {"box_data": [box | more]}},
        masks={"truth": {"mask_data": np.full((2, 30), 5), "class_labels": {5: "car"}}},
    )


def test_the_record_in_a_run_is_w_and_bs(shelf):
    image = annotated()

    record = image.to_run(shelf)

    mask, boxes = record["masks"]["truth"], record["boxes"]["predictions"]
    assert record == {
        "_type": "image-file",
        "path": record["path"],
        "size": len(image.data),
        "sha256": hashlib.sha256(image.data).hexdigest(),
        "format": "png",
        "width": 3,
        "height": 2,
        "caption": "a\nb",
        "boxes": {"predictions": {**boxes, "_type": "boxes2D"}},
        "masks": {"truth": {**mask, "_type": "mask"}},
    }
    assert shelf.files[record["path"]] == image.data
    assert json.loads(shelf.files[boxes["path"]]) == {
        "box_data": [{"class_id": 0, "position": {"maxX": 1, "maxY": 1, "minX": 0.5, "minY": 0}}],
        "class_labels": {"0": "class_0"},
    }
    with Pillow.open(io.BytesIO(shelf.files[mask["path"]])) as kept:
        assert (kept.mode, kept.size, set(kept.tobytes())) == ("L", (30, 2), {5})
    assert isinstance(image, Media)
    assert Image([[0]]).describe() == {"format": "png", "width": 1, "height": 1}


def test_an_annotated_image_comes_back_equal_from_an_artifact(shelf):
    image = annotated(scores={"sure": 0.5}, box_caption="a car", domain="pixel")

    again = shelf.again(image)

    assert again == image
    assert again.classes.names == {0: "class_0", 5: "car", 7: "sky"}
    assert again.annotations.boxes["predictions"].class_labels == {0: "class_0"}
    assert again.annotations.masks["truth"].class_labels == {5: "car"}


@pytest.mark.parametrize(
    "other",
    [annotated(class_id=1), annotated(scores={"a": 1}), Image(np.zeros((2, 3), np.uint8), caption="a\nb")],
    ids=["class", "score", "bare"],
)
def test_images_differ_when_their_layers_do(other):
    assert annotated() == annotated()
    assert annotated() != other
    assert hash(annotated()) == hash(other)


def test_equal_pixels_in_another_format_are_an_equal_image(ramp):
    assert Image(ramp, file_type="bmp") == Image(ramp)
    assert Image(ramp, file_type="bmp") != Image(ramp, caption="x")
    assert Image(ramp) != Image(ramp.T)


def test_captions_and_annotations_must_be_storable():
    assert Image([[0]], caption=7).caption == "7"
    with pytest.raises(ValueError, match="caption"):
        Image([[0]], caption="\ud800")
    with pytest.raises(TypeError, match="boxes 'a'"):
        Image([[0]], boxes={"a": object()})
    with pytest.raises(ValueError, match="dict of layers"):
        Image([[0]], boxes=[1])
    with pytest.raises(ValueError, match="id"):
        Image([[0]], classes=[{"name": "x"}])
    with pytest.raises(InvalidMetadata):
        Image([[0]], classes=[b"\xff"])


@pytest.mark.parametrize(
    "box",
    [
        {},
        {"position": None},
        {"position": {"minX": 0, "maxX": 1, "minY": 0}},
        {"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": float("nan")}},
        {"position": {"middle": [0], "width": 1, "height": 1}},
        {"position": {"middle": [0, 0], "width": "1", "height": 1}},
        {"scores": [1]},
        {"scores": {"a": "high"}},
        {"class_id": "cat"},
        {"class_id": 1.5},
        {"box_caption": 5},
        {"domain": 5},
        7,
    ],
    ids=repr,
)
def test_boxes_that_cannot_be_drawn_are_refused(box):
    if isinstance(box, dict) and "position" not in box and box:
        box = {"position": {"middle": [0, 0], "width": 1, "height": 1}} | box
    with pytest.raises(TypeError, match="box"):
        Image([[0]], boxes={"a": {"box_data": [box]}})


@pytest.mark.parametrize(
    "layer",
    [
        {},
        {"mask_data": [0, 1]},
        {"mask_data": [[0, 1], [0]]},
        {"mask_data": [[0, 256]]},
        {"mask_data": [[-1]]},
        {"mask_data": [[float("nan")]]},
        {"mask_data": [["a"]]},
        {"mask_data": []},
        {"mask_data": np.zeros((2, 2, 1))},
        {"mask_data": np.zeros((0, 4))},
        {"mask_data": np.full((2, 2), 300)},
        {"mask_data": np.full((2, 2), np.nan)},
        {"mask_data": np.array([["a"]])},
        {"mask_data": np.array([[None]])},
        {"mask_data": [[0]], "class_labels": {"a": "b"}},
        {"mask_data": [[0]], "class_labels": {1: 2}},
        {"mask_data": [[0]], "class_labels": [1]},
        5,
    ],
    ids=repr,
)
def test_masks_that_are_no_class_numbers_are_refused(layer):
    with pytest.raises(TypeError, match=r"mask|class_labels"):
        Image([[0]], masks={"a": layer})


def test_masks_come_from_tensors_lists_and_files(tmp_path, shelf):
    array = np.array([[0, 255], [3, 3]])
    (tmp_path / "mask.png").write_bytes(Image(array).data)

    layers = {
        "tensor": {"mask_data": torch.tensor(array)},
        "list": {"mask_data": array.tolist()},
        "floats": {"mask_data": array.astype(float)},
        "file": {"path": tmp_path / "mask.png"},
    }
    masks = Image([[0]], masks=layers).annotations.masks

    assert len({mask.data for mask in masks.values()}) == 1
    assert masks["tensor"].class_labels == {0: "class_0", 3: "class_3", 255: "class_255"}
    assert masks["file"].class_labels == {}
    (tmp_path / "mask.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="not an image"):
        Image([[0]], masks=layers)


def test_an_image_of_an_image_keeps_its_caption_unless_told_otherwise():
    first = Image([[0]], caption="one")

    assert Image(first).caption == "one"
    assert Image(first, caption="two").caption == "two"


def test_a_list_of_images_has_one_record(shelf):
    images = [annotated(), Image([[1, 0]])]
    records = [image.to_run(shelf) for image in images]

    whole = Image.list_in_run(images, records)

    assert whole == {
        "_type": "images/separated",
        "count": 2,
        "format": "png",
        "width": 3,
        "height": 2,
        "filenames": [record["path"] for record in records],
        "captions": ["a\nb", ""],
        "all_masks": [records[0]["masks"], None],
        "all_boxes": [records[0]["boxes"], None],
    }
    assert Image.list_in_run(images[1:], records[1:]).keys() & {"captions", "all_masks", "all_boxes"} == set()


def test_an_image_is_shown_in_a_notebook_without_letting_its_caption_be_html():
    html = Image([[0]], caption="<script>alert(1)</script>")._repr_html_()

    assert "data:image/png;base64," in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_matplotlib_figures_axes_and_pyplot_are_drawn(monkeypatch):
    class Figure:
        def savefig(self, out, *, metadata, **options):
            assert metadata == {"Software": None}
            Pillow.new("RGBA", (9, 5), "blue").save(out, options["format"])

    class Axes:
        figure = Figure()

    Figure.__module__ = Axes.__module__ = "matplotlib.figure"
    pyplot = types.ModuleType("matplotlib.pyplot")
    pyplot.gcf = Figure
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", pyplot)

    for source in (Figure(), Axes(), pyplot):
        image = Image(source)
        assert (image.format, image.width, image.height) == ("png", 9, 5)
    assert Image(Figure(), file_type="jpg").image.size == (9, 5)


def test_tensorflow_like_tensors_are_read_through_numpy(ramp):
    class EagerTensor:
        def numpy(self):
            return ramp

    assert Image(EagerTensor()).data == Image(ramp).data


def test_without_pillow_png_works_and_the_rest_says_what_to_install(monkeypatch, ramp):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)

    image = Image(ramp)

    assert image.width == 6
    for needy in (lambda: image.image, lambda: Image(ramp, file_type="jpg"), lambda: Image(ramp, mode="RGB")):
        with pytest.raises(UsageError, match="pip install pillow"):
            needy()


def test_torch_without_numpy_gives_the_same_bytes(tmp_path):
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); sys.modules['numpy'] = None\n"
        "import torch\n"
        "from localart.media import Image\n"
        "sys.stdout.buffer.write(Image(torch.arange(12.).reshape(1, 3, 4) / 12).data)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=tmp_path)

    assert done.stdout == Image(torch.arange(12.0).reshape(1, 3, 4) / 12).data


def test_a_huge_file_is_refused_before_it_fills_memory(tmp_path):
    path = tmp_path / "a.png"
    with open(path, "wb") as file:
        os.truncate(file.fileno(), (256 << 20) + 1)

    with pytest.raises(ValueError, match="larger than"):
        Image(Path(path))


def test_a_picture_can_be_read_many_times(ramp):
    image = Image(ramp)
    image.image.paste(0, (0, 0, 6, 4))

    assert (seen(image) == ramp).all()
    assert io.BytesIO(image.data).read() == image.data
