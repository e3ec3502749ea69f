"""Times and ids, made in one place so that a test can make its own."""

import os
import time
from datetime import UTC, datetime


def utc_now() -> str:
    """The time as ISO-8601 UTC with microseconds: `2026-01-31T12:00:00.000000Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def new_uid() -> str:
    """A UUIDv7 (RFC 9562): sorts by time, never repeats. The standard library has one only from 3.14."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
