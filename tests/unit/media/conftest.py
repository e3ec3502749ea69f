"""Media kept in memory, for tests that look only at what an object keeps and says."""

import hashlib

import pytest

from localart.media.attach import encode_record, load
from localart.media.base import EntryReader, KeptRecord


class Shelf:
    """Files by path; both a place to keep media in and a content to load them from."""

    def __init__(self):
        self.files = {}

    def keep(self, folder, content, suffix):
        path = f"{folder}/{hashlib.sha256(content).hexdigest()[:8]}{suffix}"
        self.files[path] = content
        return path

    def add(self, media, folder):
        path = self.keep(folder, encode_record(media.to_artifact(self)), f".{media.kind}.json")
        return KeptRecord(path=path, digest=hashlib.sha256(self.files[path]).hexdigest())

    def load(self, name):
        return load(EntryReader(read=self.files.__getitem__, paths=lambda: list(self.files)), name)

    def again(self, media):
        """The object as it is read back after it was added."""
        return self.load(self.add(media, "again").path)


@pytest.fixture
def shelf():
    return Shelf()
