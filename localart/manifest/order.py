"""Take paths apart and order them as manifests do."""


def split_path(path: str) -> tuple[str, str]:
    """`a/b/c.txt` → (`a/b`, `c.txt`); a file at the top has the folder `""`."""
    folder, _, name = path.rpartition("/")
    return folder, name


sort_key = split_path
"""Code points sort as their UTF-8 bytes do, so the pair itself is the sort key."""


def join_path(folder: str, name: str) -> str:
    """The inverse of `split_path`."""
    return f"{folder}/{name}" if folder else name
