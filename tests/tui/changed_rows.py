"""Change rows of a store behind its back, as if they had been written so."""

from localart.catalog.counts import restore_counts
from localart.catalog.seals import seal_all
from localart.repository.opening import open_repository


def change_rows(root, statement, *values):
    repository = open_repository(root)
    with repository.catalog.write() as tx:
        tx.execute(statement, values)
        seal_all(tx)
        restore_counts(tx)
    repository.close()
