"""The page holds everything, fetches nothing, and takes names for text; proved in a browser where there is one."""

import base64
import hashlib
import html.parser
import json
import re
import shutil
import subprocess
from urllib.parse import quote

import pytest
from test_lineage_files import HOSTILE, hostile_graph
from test_lineage_groups import graph, run, sweep, version

from localart.lineage.html import to_html
from localart.model import LineageGraph

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
EVIL = [
    "</script><script>document.title='owned'</script>", "<img src=x onerror=document.title='owned'>", "{{data}}",
    "<!--<script>", "\u2028", "</textarea><h1>x</h1>", "']];alert(1)//",
]  # fmt: skip


class Page(html.parser.HTMLParser):
    """The elements of a page, with their attributes and the text right inside them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", **dict(attrs)})
        self._open.append(self.elements[-1])

    def handle_endtag(self, tag):
        while self._open and self._open.pop()["tag"] != tag:
            pass

    def handle_data(self, data):
        if self._open:
            self._open[-1]["text"] += data

    def of(self, tag, class_=""):
        return [
            one
            for one in self.elements
            if one["tag"] == tag and (not class_ or class_ in (one.get("class") or "").split())
        ]


def data_of(text):
    return json.loads(
        re.search(r'<script id="graph" type="application/json">(.*?)</script>', text, re.DOTALL)[1]
    )


def evil_graph():
    nodes = [run(f"r{number}", name) for number, name in enumerate(EVIL)]
    nodes += [version(f"{name}:v0", name) for name in EVIL]
    return graph(nodes, *((f"r{number}", f"{name}:v0") for number, name in enumerate(EVIL)))


# --- the text ----------------------------------------------------------------------------------------


def test_the_page_may_run_only_its_own_script_and_load_nothing():
    page = Page(to_html(sweep()))

    policy = next(one["content"] for one in page.of("meta") if one.get("http-equiv"))
    script, style = page.of("script")[-1]["text"], page.of("style")[0]["text"]
    assert policy.startswith("default-src 'none'; ")
    for text, kind in ((script, "script-src"), (style, "style-src")):
        assert (
            f"{kind} 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
        )
    assert "unsafe" not in policy


def test_the_page_names_no_other_place():
    text = to_html(sweep(), title="t")

    assert not [
        url for url in re.findall(r"https?://[^\s\"')]+", text) if url != "http://www.w3.org/2000/svg"
    ]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", text)


@pytest.mark.parametrize("make", [hostile_graph, evil_graph])
def test_names_are_json_that_cannot_end_its_script(make):
    text = to_html(make(), title="</title><script>x</script>")

    page = Page(text)
    assert len(page.of("script")) == 2
    assert not page.of("img")
    assert not page.of("h1")[1:]
    assert len(data_of(text)["nodes"]) == len(make().nodes)
    assert not [char for char in text if ord(char) < 32 and char != "\n"]
    text.encode()


def test_the_page_has_all_nodes_edges_groups_and_facts():
    document = data_of(to_html(sweep(focus="t2"), facts={"t2": [("lr", "0.1")]}))

    assert len(document["nodes"]) == 14
    assert len(document["edges"]) == 18
    assert sorted(map(len, document["groups"])) == [6, 6]
    focus = document["nodes"][document["focus"]]
    assert (focus["label"], focus["facts"]) == ("t2", [["lr", "0.1"]])
    assert not document["grouped"]
    assert data_of(to_html(sweep(), grouped=True))["grouped"]
    assert data_of(to_html(sweep(41)))["grouped"]


def test_an_empty_graph_is_a_page_too():
    assert data_of(to_html(LineageGraph(nodes=(), edges=())))["nodes"] == []


# --- in a browser ------------------------------------------------------------------------------------


def browse(folder, text, fragment=""):
    """The page after its script ran."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}",
        "--window-size=1200,800", "--virtual-time-budget=3000", "--dump-dom",
    ]  # fmt: skip
    address = (folder / "page.html").as_uri() + fragment
    done = subprocess.run(
        [CHROMIUM, *flags, address], capture_output=True, timeout=90, check=False, cwd=folder
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return Page(done.stdout.decode())


def nodes_of(page):
    return page.of("g", "node")


def labels_of(page):
    groups = page.of("g", "node")
    texts = [one["text"] for one in page.of("text")]
    assert len(groups) == len(texts)
    return texts


@needs_chromium
def test_the_browser_draws_every_node_and_edge(tmp_path):
    page = browse(tmp_path, to_html(sweep(), grouped=False))

    assert sorted(labels_of(page)) == sorted([*(f"t{n}" for n in range(6)), *(f"ckpt:v{n}" for n in range(6)),
                                              "data:v0", "pick"])  # fmt: skip
    names = labels_of(page)
    drawn = {
        (names[int(one["data-source"])], names[int(one["data-target"])]) for one in page.of("path", "edge")
    }
    assert drawn == {(edge.source, edge.target) for edge in sweep().edges}


@needs_chromium
def test_the_browser_folds_groups_and_search_finds_what_is_in_them(tmp_path):
    page = browse(tmp_path, to_html(sweep(), grouped=True), "#q=t3")

    assert sorted(labels_of(page)) == ["ckpt ×6", "data:v0", "pick", "train ×6"]
    assert len(page.of("path", "edge")) == 3
    assert [one["text"] for one in page.of("span") if one.get("id") == "count"] == ["1 found"]
    hits = [number for number, one in enumerate(nodes_of(page)) if "hit" in one["class"].split()]
    assert [labels_of(page)[number] for number in hits] == ["train ×6"]


@needs_chromium
def test_the_browser_selects_takes_out_and_follows_a_node(tmp_path):
    page = browse(tmp_path, to_html(sweep(), grouped=True, facts={"t3": [("lr", "0.25")]}), "#node=t3")

    labels = labels_of(page)
    assert sorted(labels) == ["ckpt ×6", "data:v0", "pick", "t3", "train ×5"]
    marked = {labels[at]: one["class"].split() for at, one in enumerate(nodes_of(page))}
    assert "selected" in marked["t3"]
    assert "up" in marked["data:v0"]
    assert {"down"} & set(marked["ckpt ×6"]) & set(marked["pick"])
    assert not {"up", "down"} & set(marked["train ×5"])
    assert {"lr", "0.25"} <= {one["text"] for one in [*page.of("dt"), *page.of("dd")]}
    assert [one["text"] for one in page.of("h2")] == ["t3"]


@needs_chromium
def test_the_browser_takes_hostile_names_for_text(tmp_path):
    page = browse(tmp_path, to_html(evil_graph(), title=EVIL[0], grouped=False), f"#q={quote(EVIL[1])}")

    assert len(page.of("script")) == 2
    assert not page.of("img")
    assert len(page.of("h1")) == 1
    assert "owned" not in {one["text"] for one in page.of("title")}
    assert len(nodes_of(page)) == 2 * len(EVIL)
    assert any("<img" in label for label in labels_of(page))
    assert len([one for one in nodes_of(page) if "hit" in one["class"].split()]) == 2


@needs_chromium
def test_the_browser_draws_cycles_and_names_of_any_kind(tmp_path):
    looped = hostile_graph()
    page = browse(tmp_path, to_html(looped, grouped=False))

    assert len(nodes_of(page)) == len(HOSTILE)
    assert len(page.of("path", "edge")) == len(HOSTILE) - 1
    looped = graph([run("r", "x"), version("a:v0")], ("r", "a:v0"), ("a:v0", "r"))
    assert len(browse(tmp_path, to_html(looped)).of("path", "back")) == 1
