"""The draft: the content of an artifact that is not logged yet.

Bytes go into the store when they are added: there is no staging copy, and a later edit of a source file
changes nothing. What is never logged is garbage for prune.
"""

from localart.draft.content import add_file, add_tree, new_file
from localart.draft.draft import Draft
from localart.draft.known_tree import remember_tree
from localart.draft.references import add_reference
from localart.draft.resettle import resettle

__all__ = ["Draft", "add_file", "add_reference", "add_tree", "new_file", "remember_tree", "resettle"]
