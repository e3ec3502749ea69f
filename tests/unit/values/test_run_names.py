import random
import re

from localart.names import check_label, check_run_id
from localart.runs.run_names import ADJECTIVES, NOUNS, new_run_id, new_run_name, random_below


def test_a_name_is_an_adjective_a_noun_and_the_number():
    assert new_run_name(7, lambda limit: 0) == f"{ADJECTIVES[0]}-{NOUNS[0]}-7"
    assert new_run_name(7, lambda limit: limit - 1) == f"{ADJECTIVES[-1]}-{NOUNS[-1]}-7"
    assert re.fullmatch(r"[a-z]+-[a-z]+-12", check_label(new_run_name(12), "run name"))


def test_the_words_are_many_short_plain_and_different():
    for words in (ADJECTIVES, NOUNS):
        assert len(words) >= 100
        assert len(set(words)) == len(words)
        assert all(re.fullmatch(r"[a-z]{2,12}", word) for word in words)
    assert not set(ADJECTIVES) & set(NOUNS)


def test_ids_are_eight_lowercase_letters_and_digits():
    ids = [new_run_id() for _ in range(1000)]

    assert all(re.fullmatch(r"[a-z0-9]{8}", check_run_id(run_id)) for run_id in ids)
    assert len(set(ids)) == 1000
    assert len(set("".join(ids))) == 36


def test_a_seed_in_user_code_does_not_repeat_ids():
    random.seed(0)
    first = new_run_id()
    random.seed(0)

    assert new_run_id() != first


def test_random_below_stays_below():
    assert {random_below(3) for _ in range(200)} == {0, 1, 2}
