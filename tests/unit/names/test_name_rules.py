"""Which names are taken, which are refused, and what is said then."""

import pytest

from localart.errors import InvalidName, LocalartError
from localart.names import (
    check_alias,
    check_artifact_name,
    check_artifact_type,
    check_entry_path,
    check_label,
    check_project,
    check_prose,
    check_run_id,
    check_run_tag,
    check_tag,
    check_uri,
    parse_address,
    shown,
    version_number,
)

# NUL, C0, DEL, C1, line separators, both kinds of direction marks, a lone surrogate, a zero-width space, a byte
# order mark, a soft hyphen, and a "tag" character that hides ASCII.
HIDDEN = [
    "\0", "\x1b", "\n", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066", "\u200f", "\ud800", "\udcff", "\u200b",
    "\ufeff", "\xad", "\U000e0041",
]  # fmt: skip


def refused(check, *args) -> InvalidName:
    """The refusal: one line that quotes safely, with a hint, and a ValueError for W&B's users."""
    with pytest.raises(InvalidName) as caught:
        check(*args)
    error = caught.value
    assert isinstance(error, ValueError)
    assert isinstance(error, LocalartError)
    assert error.hint
    assert "\n" not in str(error)
    assert all(char.isprintable() for char in str(error))
    return error


# --- hidden characters -----------------------------------------------------------------------------


@pytest.mark.parametrize("char", HIDDEN, ids=ascii)
def test_a_character_that_cannot_be_seen_is_refused_everywhere(char):
    text = f"a{char}b"

    for check in (check_artifact_name, check_alias, check_tag, check_run_tag, check_project, check_run_id):
        refused(check, text)
    refused(check_artifact_type, text, "name")
    refused(check_label, text, "Run name")
    refused(check_entry_path, text)
    refused(check_uri, f"s3://bucket/{text}")
    refused(parse_address, f"name:{text}")


@pytest.mark.parametrize("char", HIDDEN, ids=ascii)
def test_a_message_shows_a_hidden_character_by_its_code(char):
    quoted = shown(f"a{char}b")

    assert quoted == "'a" + char.encode("unicode_escape", "surrogatepass").decode() + "b'"
    assert quoted.isprintable()


@pytest.mark.parametrize("text", ["👩‍🔬", "می‌خواهم", "עברית", "naïve", "日本語", "e\u0301", "؀12"], ids=ascii)
def test_letters_of_any_script_and_what_shapes_them_are_taken(text):
    for check in (check_alias, check_project, check_run_id, check_run_tag, check_entry_path):
        assert check(text) == text


# --- artifacts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "mnist-raw", "a.b_c-D9", "...", "-", "0", "x" * 128])
def test_an_artifact_name_of_plain_characters_is_taken_as_it_is(name):
    assert check_artifact_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a b", "a/b", "a\\b", "a:b", "é", "v\uff10", "a\n", "x" * 129, "../x", None, 5, b"x"],
)
def test_an_artifact_name_that_could_be_a_path_or_is_none_is_refused(name):
    assert "Artifact name" in refused(check_artifact_name, name).message


@pytest.mark.parametrize(
    ("kind", "name"), [("job", "x"), ("wandb-history", "x"), ("run_table", "run-x"), ("code", "source-x")]
)
def test_a_type_that_is_reserved_is_refused(kind, name):
    assert "is reserved" in refused(check_artifact_type, kind, name).message


def test_a_type_may_be_any_line_of_text():
    for kind in ("dataset", "", "a b/c:d", "x" * 1024):
        assert check_artifact_type(kind, "name") == kind
    assert "longer than 1024" in refused(check_artifact_type, "x" * 1025, "name").message


@pytest.mark.parametrize("alias", ["", "a/b", "a:b", "x" * 129])
def test_an_alias_that_would_break_an_address_is_refused(alias):
    assert "without '/' and ':'" in refused(check_alias, alias).message


@pytest.mark.parametrize("alias", ["v0", "V12", "v01", "v\uff10", "v٣"])
def test_an_alias_that_looks_like_a_version_is_refused(alias):
    assert "looks like a version number" in refused(check_alias, alias).message


@pytest.mark.parametrize("alias", ["best", "latest", "v", "v1.0", "v1_0", "v-1", "1", "x" * 128])
def test_any_other_short_alias_is_taken(alias):
    assert check_alias(alias) == alias


@pytest.mark.parametrize("tag", ["", " a", "a ", "a.b", "a\tb", "a/b", "x" * 129])
def test_a_version_tag_is_words_parted_by_spaces(tag):
    refused(check_tag, tag)

    assert check_tag("needs-review  twice_ü") == "needs-review  twice_ü"


@pytest.mark.parametrize("tag", ["", " ", "\t", "x" * 129])
def test_a_run_tag_says_something(tag):
    refused(check_run_tag, tag)

    assert check_run_tag("lr=0.1, v1.0") == "lr=0.1, v1.0"


# --- projects and runs -----------------------------------------------------------------------------


@pytest.mark.parametrize("project", ["", ".", "..", "x" * 129, *(f"a{char}b" for char in "/\\#?%:")])
def test_a_project_name_that_would_break_an_address_is_refused(project):
    refused(check_project, project)


@pytest.mark.parametrize("run_id", ["", " ", "x" * 129, *(f"a{char}b" for char in ":;,#?/'\\")])
def test_a_run_id_that_would_break_an_address_is_refused(run_id):
    refused(check_run_id, run_id)


@pytest.mark.parametrize(
    "check", [check_alias, check_tag, check_run_tag, check_project, check_run_id, check_uri]
)
@pytest.mark.parametrize("given", [None, 5, b"x", ["x"]])
def test_what_is_not_text_is_a_type_error_that_names_its_type(check, given):
    with pytest.raises(TypeError, match=f"must be a str, not {type(given).__name__}"):
        check(given)


def test_prose_may_have_lines_and_directions_but_not_what_cannot_be_stored():
    assert check_prose("one\ntwo\t\u202e", "Notes") == "one\ntwo\t\u202e"

    assert "cannot be stored" in refused(check_prose, "a\0", "Notes").message
    assert "cannot be stored" in refused(check_prose, "\ud800", "Notes").message
    assert refused(check_prose, "x" * 1_000_001, "Notes").hint == "add it as a file"


# --- paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("a", "a"), ("./a", "a"), ("a//b", "a/b"), ("a/", "a"), ("./a/./b/.", "a/b"), (" a ", " a "), ("a.", "a."),
        ("a:b", "a:b"), ("CON", "CON"), ("aux.txt", "aux.txt"), ("C:x", "C:x"), ('a?*<>|"', 'a?*<>|"'), ("~", "~"),
        ("...", "..."), ("..a", "..a"), ("-rf", "-rf"), ("$HOME", "$HOME"), ("%2e%2e/x", "%2e%2e/x"),
        ("x" * 255, "x" * 255), ("/".join(["d"] * 64), "/".join(["d"] * 64)),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_path_inside_is_kept_in_its_plain_form(path, stored):
    assert check_entry_path(path) == stored
    assert check_entry_path(stored) == stored


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "names no file"), (".", "names no file"), ("./.", "names no file"), ("/", "is absolute"),
        ("/etc/passwd", "is absolute"), ("//server/x", "is absolute"), ("C:", "is absolute"), ("c:/x", "is absolute"),
        ("..", "leaves the artifact"), ("../x", "leaves the artifact"), ("a/..", "leaves the artifact"),
        ("a/../../x", "leaves the artifact"), ("a\\b", "backslash"), ("C:\\x", "backslash"), ("..\\x", "backslash"),
        ("\\\\server\\x", "backslash"), ("x" * 256, "name longer than 255 bytes"), ("é" * 128, "longer than 255"),
        ("/".join(["x" * 100] * 11), "longer than 1024 bytes"), ("/".join(["d"] * 65), "deeper than 64"),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_path_that_could_lead_out_or_cannot_be_a_file_is_refused(path, reason):
    assert reason in refused(check_entry_path, path).message


@pytest.mark.parametrize("path", [None, 5, b"x", ["x"]])
def test_a_path_that_is_not_text_is_a_type_error(path):
    with pytest.raises(TypeError):
        check_entry_path(path)


@pytest.mark.parametrize("uri", ["", "x", "/x", "./x:y", "1a://x", " s3://x", "://x"])
def test_a_reference_without_a_scheme_is_refused(uri):
    assert "has no scheme" in refused(check_uri, uri).message


def test_a_reference_has_an_end():
    assert check_uri("s3://b/" + "k" * 8185)
    assert "longer than 8192" in refused(check_uri, "s3://b/" + "k" * 8186).message


# --- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "project", "name", "selector", "version"),
    [
        ("ds", None, "ds", "latest", None),
        ("ds:best", None, "ds", "best", None),
        ("ds:v0", None, "ds", "v0", 0),
        ("p/ds:v12", "p", "ds", "v12", 12),
        ("entity/p/ds:v999999999", "p", "ds", "v999999999", 999_999_999),
        ("ds:v01", None, "ds", "v01", None),
    ],
)
def test_an_address_is_taken_apart(text, project, name, selector, version):
    address = parse_address(text)

    assert (address.project, address.name) == (project, name)
    assert (address.selector, address.version) == (selector, version)


@pytest.mark.parametrize(
    "text", ["", ":", "ds:", "ds::", "ds:a:b", "/ds", "a/b/c/ds", "a//ds", "p/", "ds :v0"]
)
def test_what_is_no_address_is_refused(text):
    refused(parse_address, text)


@pytest.mark.parametrize("given", [None, 5, b"ds", ["ds"]])
def test_an_address_that_is_not_text_is_a_type_error(given):
    with pytest.raises(TypeError, match="must be a str"):
        parse_address(given)


@pytest.mark.parametrize(
    "selector",
    [
        "v",
        "V0",
        "v\uff10",
        "v٣",
        "v1_0",
        "v 0",
        "v0 ",
        "v0\n",
        "v01",
        "v-1",
        "v+1",
        "v1e3",
        "v1000000000",
        "0",
    ],
)
def test_what_int_would_take_for_a_number_is_none(selector):
    assert version_number(selector) is None
