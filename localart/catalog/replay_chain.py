"""Which of the journal records found in the packs were committed, and in what order.

Each transaction's records are one commit. A transaction that was rolled back may have left its commit behind, and
the next one then begins with the same number; what later records follow tells the two apart, for each record's
digest is made of that of the one before. Of two at the very end the newer one counts: it may never have been
acknowledged, but everything it needs was durable before it was written. Copies that a prune moved to other packs
are the same commit.

Nothing ever follows what was rolled back. Where one commit follows another and neither counts, packs of two copies of
the store lie together that were both written to: the copy whose newest commit is older has parted from this one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from blake3 import blake3

from localart.catalog.transaction import FIRST_PREVIOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCommit:
    """The records of one transaction. `place`: whatever the finder needs to find them again.

    `first_own` is BLAKE3 of the first record's canonical JSON; `newness` orders commits by when they were written.
    """

    first_seq: int
    last_seq: int
    first_own: bytes
    first_digest: bytes
    last_digest: bytes
    newness: str
    place: int

    def follows(self, digest: bytes) -> bool:
        """Whether the record before this commit had `digest`."""
        return blake3(digest + self.first_own).digest() == self.first_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenChain:
    """The commits that count, oldest first; the numbers of lost records, as (first, last).

    `parted`: what another copy of the store went on with, as (the last record both have, its last one).
    """

    commits: tuple[FoundCommit, ...]
    gaps: tuple[tuple[int, int], ...]
    parted: tuple[tuple[int, int], ...] = ()


def choose_chain(found: Iterable[FoundCommit]) -> ChosenChain:
    """The history that the commits tell, from the newest backwards; what is missing in it becomes a gap."""
    commits = list({commit.last_digest: commit for commit in found if _may_be(commit)}.values())
    before = _links(commits)
    chosen: list[FoundCommit] = []
    pool: Sequence[FoundCommit] = commits
    while pool:
        chosen.append(_newest_end(pool, before))
        while (earlier := before.get(chosen[-1].last_digest)) is not None:
            chosen.append(earlier)
        # what ends just before the oldest, and is not what that follows, was rolled back
        pool = [commit for commit in pool if commit.last_seq < chosen[-1].first_seq - 1]
    chosen.reverse()
    return ChosenChain(
        commits=tuple(chosen), gaps=tuple(_gaps(chosen)), parted=tuple(_parted(commits, chosen, before))
    )


def _may_be(commit: FoundCommit) -> bool:
    return commit.first_seq > 1 or commit.follows(FIRST_PREVIOUS)


def _links(commits: Iterable[FoundCommit]) -> dict[bytes, FoundCommit]:
    """By the last digest of each commit, the one before it."""
    by_end: dict[int, list[FoundCommit]] = {}
    for commit in commits:
        by_end.setdefault(commit.last_seq, []).append(commit)
    links: dict[bytes, FoundCommit] = {}
    for commit in commits:
        for earlier in by_end.get(commit.first_seq - 1, ()):
            if commit.follows(earlier.last_digest):
                links[commit.last_digest] = earlier
    return links


def _newest_end(pool: Sequence[FoundCommit], before: dict[bytes, FoundCommit]) -> FoundCommit:
    inner = {before[commit.last_digest].last_digest for commit in pool if commit.last_digest in before}
    return max(
        (commit for commit in pool if commit.last_digest not in inner), key=lambda commit: commit.newness
    )


def _gaps(chosen: Iterable[FoundCommit]) -> Iterator[tuple[int, int]]:
    expected = 1
    for commit in chosen:
        if commit.first_seq > expected:
            yield expected, commit.first_seq - 1
        expected = commit.last_seq + 1


def _parted(
    commits: Iterable[FoundCommit], chosen: Iterable[FoundCommit], before: dict[bytes, FoundCommit]
) -> Iterator[tuple[int, int]]:
    """A single commit that does not count was rolled back, as far as can be told; of two, the first was not."""
    kept = {commit.last_digest for commit in chosen}
    dropped = [commit for commit in commits if commit.last_digest not in kept]
    inner = {before[commit.last_digest].last_digest for commit in dropped if commit.last_digest in before}
    for end in dropped:
        branch = [end]
        while (earlier := before.get(branch[-1].last_digest)) is not None and earlier.last_digest not in kept:
            branch.append(earlier)
        if end.last_digest not in inner and len(branch) > 1:
            yield branch[-1].first_seq - 1, end.last_seq
