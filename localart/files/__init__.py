"""The user's files: read as they stand, and written only inside the folder that was named.

Rooms
-----
`source`
    A file that is taken in: regular, read with its `stat` held against the one before.
`tree`
    A folder that is taken in, streamed in a fixed order.
`target`
    The one folder a download may write to.
`folders`
    The handles below such a folder, opened step by step without following a link.
`unfinished`
    The temporary names of files being written, and how those of a killed process are cleared.
`refusals`
    What is said when a target cannot be read or written.
`hashing`
    BLAKE3-256 of open files.
`filesystem`
    What the file system can do: free space, locking, atomic replacement, reflinks.

Nothing here knows the catalog, the store or a manifest. Names of the form `.localart-<32 hex digits>.part`
are localart's own in every folder: they are never taken in, never listed and never written as an entry.

I8 Nothing outside the named target directory is ever written, whatever a manifest, bundle or database says.

Three things hold it: a path is refused unless every part is a plain name; each folder is opened relative
to the one above it and never through a link; and a file appears by a rename inside a folder already held
open, so that a link swapped into the path meanwhile leads nowhere. The limit: someone who may rename the
target's own folders can carry one away together with what is being written into it.
"""
