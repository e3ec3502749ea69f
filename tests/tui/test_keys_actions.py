"""The key table tells the truth: each row is bound somewhere, and what it is bound to exists."""

import pkgutil
from functools import cache
from importlib import import_module
from inspect import getmembers, isclass

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import localart_tui
from localart_tui.app import LocalartApp
from localart_tui.keys import KEYS, Key, Scope, as_markdown, bindings, keys_of
from localart_tui.page import Page

BY_ID = {key.id: key for key in KEYS}


@cache
def classes():
    """Every widget and screen of the browser."""
    found = {LocalartApp}
    for module in pkgutil.walk_packages(localart_tui.__path__, "localart_tui."):
        if module.name.endswith("columnar_child"):  # a program of its own
            continue
        members = getmembers(import_module(module.name), isclass)
        found |= {
            one
            for _, one in members
            if issubclass(one, DOMNode) and one.__module__.startswith("localart_tui")
        }
    return sorted(found, key=lambda one: one.__qualname__)


def own_keys(owner):
    """The rows of the table that a class binds."""
    mine = vars(owner).get("BINDINGS", ())
    return [BY_ID[one.id] for one in mine if isinstance(one, Binding) and one.id in BY_ID]


def owner_of(action, owner):
    place, dot, name = action.partition("(")[0].rpartition(".")
    if not dot:
        return owner, name
    return (LocalartApp if place == "app" else owner if issubclass(owner, Page) else None), name


OWNERS = [owner for owner in classes() if own_keys(owner)]


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
def test_every_key_runs_an_action_that_its_screen_has(owner):
    for key in own_keys(owner):
        where, name = owner_of(key.action, owner)
        known = [where] if where is not None else [one for one in classes() if issubclass(one, Page)]
        known += [one for one in OWNERS if key in own_keys(one)]  # a page's keys may be those of its widget
        assert any(callable(getattr(one, f"action_{name}", None)) for one in known), key.id


def test_no_row_of_the_table_is_dead():
    bound = {key.id for owner in OWNERS for key in own_keys(owner)}

    assert {key.id for key in KEYS} - bound - {"files.pager"} == set()


def pages():
    return [one for one in classes() if issubclass(one, Page) and one is not Page]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.__name__)
def test_a_lists_keys_never_hide_a_pages_own(page):
    """The focused table answers first: what it takes, its page never gets."""
    taken = (
        {name: key for key in keys_of(Scope.LIST) for name in key.names} if Scope.LIST in page.SCOPES else {}
    )
    hidden = [
        (key.id, taken[name].id)
        for key in own_keys(page)
        for name in key.names
        if name in taken and key.scope not in {Scope.FILES, Scope.PAGE}
    ]

    assert hidden == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.__name__)
def test_no_page_binds_one_key_twice(page):
    names = [name for key in own_keys(page) for name in key.names]

    assert sorted(names) == sorted(set(names))


def test_documentation_names_every_key():
    text = as_markdown()

    assert all(f"`{key.id}`" in text for key in KEYS)
    assert all(isinstance(key, Key) for key in KEYS)
    assert all(bindings(scope) for scope in (Scope.COMPARE, Scope.DIFF, Scope.FIND, Scope.STORE, Scope.EDIT))
