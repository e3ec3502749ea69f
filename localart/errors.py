"""Every error localart raises, in one tree. Each also is the builtin it resembles.

::

    LocalartError (W&B: Error)
    ├── UsageError                    a call that cannot be right: bad project, run already finished …
    │   ├── NotInitialized            module-level call before `init()`
    │   ├── InvalidSetting  ValueError a setting that does not exist, or a value it cannot have
    │   └── UnsupportedError          `require()` of something there is not
    ├── ConfigError                   a config key would change without allow_val_change
    ├── InvalidName        ValueError a name, alias, tag, path or reference that may not exist
    ├── InvalidMetadata    ValueError metadata that JSON cannot hold
    ├── ContentConflict    ValueError two contents for one path, or one name with two types
    ├── FolderDiffers      ValueError a downloaded folder is not what was logged
    ├── CommError                     W&B's name for "the server said no"; here the catalog says it
    │   ├── ArtifactNotFound  LookupError
    │   ├── ArtifactTypeMismatch ValueError
    │   ├── ArtifactHasAliases
    │   ├── AliasProtected            the alias may not move or go
    │   ├── AuthenticationError       never raised; code written for W&B catches it
    │   ├── CannotUndo                the change is not one that can be taken back, or later ones rest on it
    │   ├── InvalidRequest    ValueError   asked of `Api` in a way that cannot be answered
    │   ├── ProjectNotFound   LookupError, ValueError
    │   └── RunNotFound       LookupError
    ├── ArtifactStatusError  AttributeError
    │   ├── ArtifactNotLoggedError    asks a draft for what only a version has
    │   └── ArtifactFinalizedError    changes content that is sealed
    ├── WaitTimeoutError   TimeoutError
    ├── NotLocalError      NotImplementedError   only a server could do this; names the local way
    ├── SourceError        OSError, ValueError   a file given to localart cannot be read as it is
    │   ├── SourceMissing  FileNotFoundError
    │   ├── SourceUnreadable PermissionError
    │   └── SourceChanged             the file kept changing while it was read
    ├── TargetError        OSError    a file cannot be written where a download goes
    │   ├── TargetMissing  FileNotFoundError
    │   ├── TargetUnwritable PermissionError
    │   ├── TargetFull                no space left there
    │   └── UnsafeTarget   PermissionError  a link or a folder is in the way, or the path leaves the target
    └── StoreError                    the store itself
        ├── StoreNotFound  CommError, FileNotFoundError
        ├── NotAStore      ValueError a folder that is not a store, or half of one
        ├── StoreBusy      TimeoutError
        ├── StoreTooNew               written by a newer localart
        ├── StoreReadOnly  PermissionError
        ├── StoreFull      OSError    no space left
        ├── UnsafeStore    PermissionError  a store others can write to
        └── StoreDamaged              bytes or rows are not what was written
            ├── BlobMissing  LookupError
            ├── BlobDamaged
            └── CatalogDamaged

Every error carries `message` (what, where) and `hint` (what to do next); `str(error)` is both.
"""


class LocalartError(Exception):
    """Base of every error localart raises on purpose."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


Error = LocalartError


class UsageError(LocalartError):
    """The call cannot be right, whatever the store holds."""


class NotInitialized(UsageError):
    """A module-level call needs an active run, and there is none."""


class InvalidSetting(UsageError, ValueError):
    """There is no such setting, or it cannot have this value."""


class UnsupportedError(UsageError):
    """A feature was required that does not exist."""


class ConfigError(LocalartError):
    """A config key would change its value without `allow_val_change=True`."""


class InvalidName(LocalartError, ValueError):
    """A name, alias, tag, path or reference that localart refuses to store."""


class InvalidMetadata(LocalartError, ValueError):
    """Metadata that JSON cannot hold as it is."""


class ContentConflict(LocalartError, ValueError):
    """Two contents for one path, or two types for one name."""


class FolderDiffers(LocalartError, ValueError):
    """A folder does not hold exactly the version it was compared with."""


class CommError(LocalartError):
    """What was asked for does not exist or may not be done; W&B's name for a server's refusal."""


class ArtifactNotFound(CommError, LookupError):
    """No such artifact, version or alias."""


class ArtifactTypeMismatch(CommError, ValueError):
    """The artifact exists with another type than the one asked for."""


class ArtifactHasAliases(CommError):
    """A version that aliases point to is not deleted unless asked to delete them too."""


class AliasProtected(CommError):
    """An alias that was protected neither moves nor goes unless somebody insists."""


class CannotUndo(CommError):
    """A change cannot be taken back: of a kind that has no way back, or something newer depends on it."""


class InvalidRequest(CommError, ValueError):
    """What was asked of `Api` cannot be answered: a filter, an order or a path that makes no sense."""


class AuthenticationError(CommError):
    """Never raised, and here for the `except` clauses of code written for W&B."""


class ProjectNotFound(CommError, LookupError, ValueError):
    """No such project."""


class RunNotFound(CommError, LookupError):
    """No such run."""


class ArtifactStatusError(LocalartError, AttributeError):
    """The artifact is in the wrong state for this; an AttributeError so that `hasattr` answers False."""


class ArtifactNotLoggedError(ArtifactStatusError):
    """Only a logged version has this."""


class ArtifactFinalizedError(ArtifactStatusError):
    """The artifact's content is sealed."""


class WaitTimeoutError(LocalartError, TimeoutError):
    """A wait took longer than allowed."""


class NotLocalError(LocalartError, NotImplementedError):
    """Only a server could do this; the hint names the local way."""


class SourceError(LocalartError, OSError, ValueError):
    """A file given to localart cannot be taken in."""


class SourceMissing(SourceError, FileNotFoundError):
    """The file is not there (any more)."""


class SourceUnreadable(SourceError, PermissionError):
    """The file or folder may not be read."""


class SourceChanged(SourceError):
    """The file changed each time it was read."""


class TargetError(LocalartError, OSError):
    """A file cannot be written (or found again) in the folder a download goes to."""


class TargetMissing(TargetError, FileNotFoundError):
    """The folder a download went to, or a file in it, is not there."""


class TargetUnwritable(TargetError, PermissionError):
    """The file or folder may not be changed."""


class TargetFull(TargetError):
    """No space is left where the download goes; the file that was there is untouched."""


class UnsafeTarget(TargetError, PermissionError):
    """Writing there could touch something else: a link or folder is in the way, or the path leads out."""


class StoreError(LocalartError):
    """Something about the store itself."""


class StoreNotFound(StoreError, CommError, FileNotFoundError):
    """There is no store at this place."""


class NotAStore(StoreError, ValueError):
    """The folder is not a localart store, or only a part of one."""


class StoreBusy(StoreError, TimeoutError):
    """Another process kept the store locked for too long."""


class StoreTooNew(StoreError):
    """A newer localart wrote this store."""


class StoreReadOnly(StoreError, PermissionError):
    """The store can be read but not written."""


class StoreFull(StoreError, OSError):
    """No space is left where the store lives; nothing was acknowledged."""


class UnsafeStore(StoreError, PermissionError):
    """Other users can write to this store, so it cannot be trusted."""


class StoreDamaged(StoreError):
    """Bytes or rows are not what was written."""


class BlobMissing(StoreDamaged, LookupError):
    """The catalog names bytes that no pack holds."""


class BlobDamaged(StoreDamaged):
    """Stored bytes do not match their digest."""


class CatalogDamaged(StoreDamaged):
    """The database does not say what was written to it."""
