"""Open a store, or make one. A store is made whole or not at all: its marker is written last."""

import atexit
import errno
import os
import threading
from functools import partial
from pathlib import Path

from localart.catalog import Catalog, create_catalog, has_records, read_store_facts
from localart.catalog.lock import FileLock
from localart.disk_errors import store_error
from localart.errors import (
    CatalogDamaged,
    NotAStore,
    StoreError,
    StoreFull,
    StoreNotFound,
    StoreReadOnly,
)
from localart.files.filesystem import fsync_with_parents, is_network
from localart.modes import create_file, make_folder, share_folder
from localart.names import shown
from localart.repository.identity import new_uid, utc_now
from localart.repository.marker import CATALOG, FOLDERS, STORE_FORMAT, Marker, read_marker, write_marker
from localart.repository.repository import Repository
from localart.repository.safety import refuse_unsafe
from localart.settings import find_store, read_settings

_CREATION_SECONDS = 60

_open: dict[Path, Repository] = {}
_open_guard = threading.Lock()


def default_repository(*, create: bool = True) -> Repository:
    """The store the environment and the working directory point to, opened once a process."""
    return shared_repository(find_store(read_settings()), create=create)


def shared_repository(root: Path, *, create: bool = True) -> Repository:
    """The store at `root`, opened once a process and closed at its end."""
    root = Path(os.path.realpath(root))
    with _open_guard:
        repository = _open.get(root)
        if repository is None or not _is_same_store(repository):
            repository = open_repository(root, create=create)
            _open[root] = repository
    return repository


def reopen(root: Path) -> Repository:
    """The store at `root`, which another process of this program had open."""
    return shared_repository(root, create=False)


def _is_same_store(repository: Repository) -> bool:
    """False when the folder was removed or replaced since it was opened, also by a copy of the same store."""
    try:
        repository.catalog.refuse_gone()
        return read_marker(repository.root) == repository.marker
    except (OSError, StoreError):
        return False


def _start_over() -> None:
    """In a forked child: another thread of the parent may have held the guard."""
    global _open_guard  # noqa: PLW0603
    _open_guard = threading.Lock()


os.register_at_fork(after_in_child=_start_over)


@atexit.register
def close_all() -> None:
    """Close every store this process opened through `shared_repository`."""
    with _open_guard:
        while _open:
            _open.popitem()[1].close()


def open_repository(
    root: Path, *, create: bool = True, read_only: bool = False, for_group: bool = False
) -> Repository:
    """Open the store at `root`; make it first when there is none and `create` allows it.

    `for_group`: a store that is made is shared with the group its folder has, with every file it will ever hold.
    """
    root = Path(os.path.realpath(root))
    marker = _existing_marker(root)
    if marker is None:
        if not create:
            if any((root / "packs").glob("*.pack")):
                raise _half_a_store(root, "packs")
            raise StoreNotFound(
                f"There is no localart store at {_named(root)}",
                hint="run `localart init`, set LOCALART_DIR, or log something first",
            )
        marker = _create(root, for_group=for_group)
    refuse_unsafe(root)
    catalog_path = root / CATALOG
    if not catalog_path.is_file():
        raise CatalogDamaged(
            f"The store at {_named(root)} has lost its database {CATALOG}",
            hint="run `localart rebuild`, which makes it again from the packs, or put back a copy",
        )
    return _open_complete(root, marker, catalog_path, read_only=read_only)


def _open_complete(root: Path, marker: Marker, catalog_path: Path, *, read_only: bool) -> Repository:
    read_only = (
        read_only
        or marker.format > STORE_FORMAT
        or not os.access(root, os.W_OK)
        or not os.access(catalog_path, os.W_OK)
    )
    network = is_network(root)
    try:
        catalog = Catalog(
            catalog_path,
            root / "locks" / "writer.lock",
            read_only=read_only,
            network=network,
            site=marker.store,
            clock=utc_now,
            new_uid=new_uid,
            before_upgrade=partial(write_marker, root, marker.store),
        )
    except StoreError as error:
        if read_only and _is_unmerged(catalog_path, error):
            raise _unmerged(root) from error
        raise
    if read_store_facts(catalog)["store"] != marker.store:
        catalog.close()
        raise NotAStore(
            f"The database in {_named(root)} belongs to another store",
            hint="put back the localart.db that was here",
        )
    return Repository(root, marker, catalog, read_only=read_only, network=network)


def _is_unmerged(catalog: Path, error: StoreError) -> bool:
    wal, journal = (catalog.with_name(f"{catalog.name}-{end}") for end in ("wal", "journal"))
    if type(error) is StoreReadOnly:  # half a change is in the file, and what undoes it in the journal
        return journal.exists() and journal.stat().st_size > 0
    return type(error) is StoreError and wal.exists()


def _unmerged(root: Path) -> StoreReadOnly:
    """What a killed writer leaves in a WAL or journal must be merged or undone first, and that takes writing."""
    return StoreReadOnly(
        f"The store at {_named(root)} was not closed, and cannot be read where nothing may be written",
        hint="copy it to a writable place, or open it once where it may be written",
    )


def _named(root: Path) -> str:
    return shown(str(root), 300)


def _existing_marker(root: Path) -> Marker | None:
    try:
        if root.exists() and not root.is_dir():
            raise NotAStore(f"{_named(root)} is a file, not a store", hint="set LOCALART_DIR to a folder")
        return read_marker(root)
    except PermissionError as error:
        raise StoreReadOnly(
            f"The store at {_named(root)} cannot be read", hint="check its permissions"
        ) from error
    except OSError as error:
        raise _impossible(root, error, "opening the store") from error


def _impossible(root: Path, error: OSError, doing: str) -> StoreError:
    if error.errno == errno.EIO:
        return store_error(error, doing, root)
    return NotAStore(
        f"There can be no store at {_named(root)}: {error.strerror or error}",
        hint="set LOCALART_DIR to another folder",
    )


def _create(root: Path, *, for_group: bool) -> Marker:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if for_group:
            share_folder(root)
        refuse_unsafe(root)
        for folder in FOLDERS:
            make_folder(root / folder)
        lock = FileLock(root / "locks" / "create.lock")
        try:
            with lock.held(timeout_seconds=_CREATION_SECONDS):
                return read_marker(root) or _create_locked(root)
        finally:
            lock.close()
    except StoreError:
        raise
    except OSError as error:
        raise _creation_error(root, error) from error


def _creation_error(root: Path, error: OSError) -> StoreError:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StoreFull(
                f"No space left to make a store at {_named(root)}", hint="free some space and try again"
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return StoreReadOnly(
                f"A store cannot be made at {_named(root)}: no permission",
                hint="set LOCALART_DIR to a folder of yours",
            )
        case errno.EEXIST:
            return NotAStore(
                f"{_named(root)} holds other files, one of them where the store needs a folder",
                hint="set LOCALART_DIR to an empty folder",
            )
    return _impossible(root, error, "making a store")


def _create_locked(root: Path) -> Marker:
    if any((root / "packs").iterdir()):
        raise _half_a_store(root, "packs")
    catalog = root / CATALOG
    if _holds_something(catalog):
        raise _half_a_store(root, "a database")
    catalog.unlink(missing_ok=True)
    os.close(create_file(catalog, os.O_EXCL | os.O_WRONLY))  # SQLite gives its other files the same mode
    store = new_uid()
    create_catalog(catalog, now=utc_now(), facts={"store": store, "created_at": utc_now()})
    fsync_with_parents(root)  # this or an earlier, unfinished creation may have made them
    return write_marker(root, store)


def _half_a_store(root: Path, what: str) -> NotAStore:
    return NotAStore(
        f"{_named(root)} holds {what} but no marker: part of a store is missing",
        hint="copy the whole store again, put back its LOCALART file, or choose another folder",
    )


def _holds_something(catalog: Path) -> bool:
    """Whether a database without a marker is more than what an unfinished creation leaves: no record at all."""
    if not catalog.exists() or not catalog.stat().st_size:
        return False
    try:
        return has_records(catalog)
    except StoreError:
        return True
