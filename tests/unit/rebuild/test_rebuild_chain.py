"""Which journal records were committed: those that later ones follow."""

from blake3 import blake3

from localart.catalog.replay_chain import FoundCommit, choose_chain
from localart.catalog.transaction import FIRST_PREVIOUS


class Journal:
    """Makes commits, some of which are rolled back."""

    def __init__(self):
        self.last, self.seq, self.made = FIRST_PREVIOUS, 0, 0

    def commit(self, count=1, *, rolled_back=False):
        self.made += 1
        owns = [blake3(f"{self.made}:{number}".encode()).digest() for number in range(count)]
        digests = [self.last]
        for own in owns:
            digests.append(blake3(digests[-1] + own).digest())
        found = FoundCommit(
            first_seq=self.seq + 1,
            last_seq=self.seq + count,
            first_own=owns[0],
            first_digest=digests[1],
            last_digest=digests[-1],
            newness=f"{self.made:04}",
            place=self.made,
        )
        if not rolled_back:
            self.last, self.seq = digests[-1], self.seq + count
        return found


def places(found):
    chain = choose_chain(found)
    return [commit.place for commit in chain.commits], list(chain.gaps)


def test_commits_come_in_their_order_wherever_they_were_found():
    journal = Journal()
    made = [journal.commit(count) for count in (1, 3, 2)]

    assert places(reversed(made)) == ([1, 2, 3], [])


def test_copies_of_a_commit_count_once():
    journal = Journal()
    made = [journal.commit(), journal.commit()]

    assert places([*made, *made]) == ([1, 2], [])


def test_what_was_rolled_back_is_left_out_also_when_it_was_longer():
    journal = Journal()
    made = [
        journal.commit(), journal.commit(5, rolled_back=True), journal.commit(2), journal.commit(rolled_back=True),
        journal.commit(),
    ]  # fmt: skip

    assert places(made) == ([1, 3, 5], [])


def test_of_two_at_the_end_the_newer_one_counts():
    journal = Journal()
    made = [journal.commit(), journal.commit(9, rolled_back=True), journal.commit()]

    assert places(made) == ([1, 3], [])


def test_lost_records_are_a_gap_and_what_comes_before_and_after_counts():
    journal = Journal()
    made = [journal.commit(2) for _ in range(5)]

    assert places([made[0], made[1], made[4]]) == ([1, 2, 5], [(5, 8)])


def test_a_lost_beginning_is_a_gap():
    journal = Journal()
    made = [journal.commit(2) for _ in range(3)]

    assert places(made[1:]) == ([2, 3], [(1, 2)])


def test_what_was_rolled_back_does_not_fill_a_gap():
    journal = Journal()
    made = [journal.commit(), journal.commit(rolled_back=True), journal.commit(), journal.commit()]

    assert places([made[0], made[1], made[3]]) == ([1, 4], [(2, 2)])


def test_what_a_copy_went_on_with_is_told_from_what_was_rolled_back():
    """Seen to fail when one commit that does not count is enough."""
    journal = Journal()
    made = [journal.commit(2), journal.commit(rolled_back=True)]
    parted = journal.last, journal.seq
    theirs = [journal.commit(), journal.commit(3)]
    journal.last, journal.seq = parted
    ours = [journal.commit(rolled_back=True), journal.commit(2)]

    chain = choose_chain([*made, *theirs, *ours])

    assert [commit.place for commit in chain.commits] == [1, 6]
    assert chain.parted == ((2, 6),)
    assert choose_chain([*made, *ours]).parted == ()
    assert choose_chain([*made, *theirs]).parted == ()


def test_no_commits_are_an_empty_chain():
    assert places([]) == ([], [])
