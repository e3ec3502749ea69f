"""What can be done with a repository, one verb a file: `def verb(repository, …) -> frozen record`.

::

    log, keep_manifest, upsert, use, link                         what a run does with versions
    run_life, branch, edit_run, keep_history                      how a run begins, goes on and ends
    resolve, search, changes, alias_history                       find, and tell what was
    download, write_stored, fetch_reference, check_download       bytes out again
    diff, file_diff, text_diff                                    compare
    update, amend, collection, registry, move, undo*              change, and take back
    delete, retention, prune, repack, trash, expiry, tidy         remove: plan, show, execute
    verify*, repair*, rebuild*, recover                           look, set right, make anew
    backup, copy_packs, compare_copies                            copies of the whole store
"""
