import pytest
from pyfastcdc import FastCDC

from localart.store.chunking import Chunker, holds_floats
from localart.store.source import BytesSource

FINE, COARSE = 16 << 10, 64 << 10
HUGE = 1 << 30


def cuts_of_one_pass(content, average, align=1):
    ends, at = [], 0
    for chunk in FastCDC(average).cut_buf(content):
        at += chunk.length
        ends.append(at if at == len(content) else at - at % align)
    return ends


def cuts_of_views(content, window, *, announced=None, aligned=False):
    chunker = Chunker(announced or len(content), aligned=aligned)
    ends, base, filled = [], 0, 0
    while base < len(content):
        filled = min(base + window, len(content))
        found = chunker.cut(memoryview(content)[base:filled], final=filled == len(content))
        ends += [base + end for end in found]
        base += found[-1]
    return ends


@pytest.mark.parametrize("window", [262_145, 300_000, 1 << 20, 4 << 20])
def test_cuts_of_a_file_read_in_parts_are_those_of_one_pass(window, noise):
    content = noise(3_000_017)

    assert cuts_of_views(content, window) == cuts_of_one_pass(content, FINE)
    assert cuts_of_views(content, window, announced=HUGE) == cuts_of_one_pass(content, COARSE)


@pytest.mark.parametrize("window", [262_160, 1 << 20])
def test_aligned_cuts_are_the_same_rounded_to_eight_bytes(window, noise):
    content = noise(2_000_003)

    ends = cuts_of_views(content, window, aligned=True)

    assert ends == cuts_of_one_pass(content, COARSE, align=8)
    assert all(end % 8 == 0 for end in ends[:-1])


def test_content_without_any_cut_point_is_cut_at_the_largest_size():
    content = bytes(1 << 20)

    assert cuts_of_views(content, 300_000) == list(range(65536, (1 << 20) + 1, 65536))


def test_most_chunks_survive_an_insertion(noise):
    before = noise(2_000_000)
    after = before[:777_777] + b"something new" + before[777_777:]

    def chunks(content):
        ends = cuts_of_views(content, 1 << 20)
        return {content[start:end] for start, end in zip([0, *ends], ends, strict=False)}

    assert len(chunks(before) & chunks(after)) >= len(chunks(before)) - 3


def test_a_file_of_floats_is_told_from_text_and_noise(floats, noise):
    assert holds_floats(BytesSource(floats(200_000)))
    assert not holds_floats(BytesSource(noise(800_000)))
    assert not holds_floats(BytesSource(b"some text of any kind\n" * 40_000))


def test_a_text_header_does_not_hide_the_floats_behind_it(floats):
    header = b'{"layer": [1, 2, 3]}    ' * 4000

    assert holds_floats(BytesSource(header + floats(200_000)))
