r"""The manifest: the sorted entries of one version, and the digest that names them all.

Order
    Entries are sorted by (folder, name), both as UTF-8 bytes; `a/b.txt` is folder `a`, name `b.txt`. Files at
    the top have the folder ``""``. This is the order of the catalog's index, so that a manifest streams from
    disk without being sorted again.
Pages
    An entry ends its page when the low ten bits of XXH3-64 of its path are zero: about 1,024 entries a page,
    and an insertion changes one page instead of all after it. XXH3 only places the cuts, it protects nothing.
Digest
    A Merkle root. Equal content means equal digest, whatever the order of adding, the name or the metadata.

    ====================  =========================================================================
    page digest           BLAKE3("localart-page-1\n" + its entries, encoded as below)
    manifest digest       BLAKE3("localart-manifest-1\n" + page digests in order, 32 bytes each)
    entry                 u16 path length, path in UTF-8, u8 kind (0 blob, 1 reference), 32 bytes digest,
                          u64 size (0 where not known); little-endian
    reference digest      BLAKE3("localart-reference-1\n" + canonical JSON of [uri, size, checksum])
    ====================  =========================================================================
"""

from localart.manifest.difference import diff_entries
from localart.manifest.digest import (
    blob_tail,
    entry_of,
    entry_tail,
    manifest_digest,
    reference_digest,
    tail_digest,
    tail_size,
)
from localart.manifest.order import join_path, sort_key, split_path
from localart.manifest.pages import Page, decode_pages, encode_pages, page_entries, page_rows, repage

__all__ = [
    "Page",
    "blob_tail",
    "decode_pages",
    "diff_entries",
    "encode_pages",
    "entry_of",
    "entry_tail",
    "join_path",
    "manifest_digest",
    "page_entries",
    "page_rows",
    "reference_digest",
    "repage",
    "sort_key",
    "split_path",
    "tail_digest",
    "tail_size",
]
