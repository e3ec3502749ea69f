"""The only rooms of the browser that talk to the library: records in, records out, no widget.

::

    store      the open store: a read-only connection for each thread, and two threads that read
    listing    what was typed as a filter, as the catalog's conditions
    projects, artifacts, versions, files    one noun each
    compare, filediff, find, store_health    what several rooms know, put together for one page
    edits      the only one that changes anything, on a repository of its own

Every function takes a `Store` or a connection and may be called from any thread. What goes wrong is a
`LocalartError`; pages show it.
"""
