"""Contents made to have one XXH3: two contents all the same, for what tells them apart is BLAKE3."""

import random
from pathlib import Path

import pytest
import xxhash

import localart
from localart.errors import BlobDamaged
from localart.repository.opening import close_all

# The first bytes of XXH3's public secret, which keys lane 0 of a long input's first and second stripe.
KEYS = (bytes.fromhex("b8fe6c39"), bytes.fromhex("7c01812c"))
STRIPE = 64


def colliding(seed, size, shift):
    """Noise of `size` bytes whose XXH3 does not depend on `shift`.

    XXH3 adds to a lane the product of the halves of (word xor key), and the word itself to its neighbour. Where the
    low half equals the key's, the product is zero; what one word gains in its high half the other loses.
    """
    content = bytearray(random.Random(seed).randbytes(size))
    for stripe, (key, change) in enumerate(zip(KEYS, (shift, -shift), strict=True)):
        at = stripe * STRIPE
        content[at : at + 4] = key
        high = (int.from_bytes(content[at + 4 : at + 8], "little") + change) % (1 << 32)
        content[at + 4 : at + 8] = high.to_bytes(4, "little")
    return bytes(content)


SIZES = [300, 5_000, 200_000, 1_500_000]


def test_the_contents_do_collide():
    for size in SIZES:
        one, other = colliding(1, size, 0), colliding(1, size, 0xBEEF)
        assert one != other
        assert xxhash.xxh3_64_digest(one) == xxhash.xxh3_64_digest(other)
        assert xxhash.xxh3_128_digest(one) == xxhash.xxh3_128_digest(other)


@pytest.mark.parametrize("size", SIZES)
def test_contents_of_one_xxh3_are_kept_and_given_back_exactly(tmp_path, size):
    contents = {f"{shift}.bin": colliding(size, size, shift) for shift in (0, 1, 0xBEEF, 0xFFFF_FFFF)}
    with localart.init(project="p") as run:
        for turn in range(3):  # a second preimage comes after what it would replace
            draft = localart.Artifact("ds", "data")
            for name in list(contents)[: turn + 2]:
                Path(name).write_bytes(contents[name])
                draft.add_file(name)
            assert run.log_artifact(draft).version == f"v{turn}"
    close_all()

    root = Path(localart.Api().artifact("p/ds:latest").download(tmp_path / "out"))
    assert {path.name: path.read_bytes() for path in root.iterdir()} == contents


@pytest.mark.parametrize("size", [5_000, 1_500_000])
def test_a_pack_in_which_a_content_was_swapped_for_one_of_the_same_xxh3_is_damaged(store, tmp_path, size):
    """Seen to fail when the reader believes XXH3 and does not compare the BLAKE3 of what it read."""
    one, other = colliding(2, size, 0), colliding(2, size, 0xBEEF)
    with localart.init(project="p") as run:
        draft = localart.Artifact("ds", "data")
        with draft.new_file("x", "wb") as file:
            file.write(one)
        run.log_artifact(draft)
    close_all()
    swapped = 0
    for pack in (store / "packs").iterdir():
        content = pack.read_bytes()
        at = content.find(one[:STRIPE])
        if at >= 0:
            end = at + 2 * STRIPE
            assert content[at:end] == one[: 2 * STRIPE]
            pack.write_bytes(content[:at] + other[: 2 * STRIPE] + content[end:])
            swapped += 1

    assert swapped == 1
    with pytest.raises(BlobDamaged, match="is not what it was"):
        localart.Api().artifact("p/ds:v0").download(tmp_path / "out")
