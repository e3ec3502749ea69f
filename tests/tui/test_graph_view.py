"""Each key of the graph does what the table of keys says, in the Map, the Lanes and the Walk."""

import os
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from graph_app import GraphApp, graph, notes_of, pipeline, rows_of, run, screen_of, strips_of, sweep, version
from tui_driven import driven, settled

from localart.lineage.filters import Kept
from localart.model import LineageGraph
from localart_tui.graph.canvas import MapCanvas
from localart_tui.graph.exports import Form, Source, write_export
from localart_tui.graph.lane_list import LaneList
from localart_tui.graph.menus import TypesMenu
from localart_tui.graph.state import Scope, Unrelated, View
from localart_tui.graph.view import GraphView
from localart_tui.graph.walk import WalkView
from localart_tui.keys import Scope as KeyScope
from localart_tui.keys import keys_of

WIDE, SMALL, TINY = (160, 40), (80, 24), (40, 12)


def shown(app):
    return {node.label.split(" latest")[0] for node in app.graph.state.drawn.nodes}


# --- what stands where -----------------------------------------------------------------------------------


@driven
async def test_a_wide_screen_begins_with_the_map_a_narrow_one_with_lanes():
    for size, view in ((WIDE, View.MAP), (SMALL, View.LANES), (TINY, View.LANES)):
        app = GraphApp(pipeline())
        async with app.run_test(size=size) as pilot:
            await settled(pilot)

            assert app.graph.view is view
            widget = app.query_one(MapCanvas if view is View.MAP else LaneList)
            assert any("raw:v0" in row for row in rows_of(widget))


@driven
async def test_v_goes_round_the_three_views_and_keeps_the_node():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("right", "right")
        views = []
        for _ in range(3):
            await pilot.press("v")
            views.append(app.graph.view)

        assert views == [View.LANES, View.WALK, View.MAP]
        assert app.selected == "prep"
        assert not app.query_one(LaneList).display
        assert app.query_one(MapCanvas).display


@driven
async def test_a_chosen_view_stays_when_the_screen_changes_its_size():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("v")
        await pilot.resize_terminal(80, 24)
        await settled(pilot)

        assert app.graph.view is View.LANES
        assert any("raw:v0" in row for row in rows_of(app.query_one(LaneList)))


# --- moving ------------------------------------------------------------------------------------------------


@driven
async def test_left_and_right_walk_along_edges_and_back_the_way_they_came():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("right", "right", "right", "right")
        there = app.selected
        await pilot.press("h", "h", "left", "left")

        assert there in {"train", "eval"}
        assert app.selected == "load"
        await pilot.press("right", "l", "l", "l")
        assert app.selected == there
        assert app.said[0] == ("selected", "load")


@driven
async def test_up_and_down_stay_in_the_layer_of_the_map():
    app = GraphApp(sweep())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("right", "home")
        first = app.selected
        await pilot.press("down", "j", "k")
        second = app.selected
        await pilot.press("end")

        assert (first, second, app.selected) == ("t0", "t1", "t5")
        await pilot.press("down", "pagedown")
        assert app.selected == "t5"
        await pilot.press("pageup")
        assert app.selected == "t0"


@driven
async def test_up_and_down_go_through_all_rows_of_the_lanes():
    app = GraphApp(pipeline(), view=View.LANES)
    async with app.run_test(size=SMALL) as pilot:
        rows = [row.node.key for row in app.query_one(LaneList).rows]
        await pilot.press("home")
        seen = [app.selected]
        for _ in rows[1:]:
            await pilot.press("down")
            seen.append(app.selected)

        assert seen == rows
        await pilot.press("home", "end")
        assert app.selected == rows[-1]


@driven
async def test_the_walk_goes_through_columns_and_on_to_neighbours():
    app = GraphApp(pipeline(focus="train"), view=View.WALK)
    async with app.run_test(size=SMALL) as pilot:
        walk = app.query_one(WalkView)
        await pilot.press("left")
        inputs = [app.graph.pointed]
        await pilot.press("down")
        inputs.append(app.graph.pointed)
        assert (walk.side, inputs, app.selected) == (-1, ["data:v0", "net:v0"], "train")

        await pilot.press("left")
        assert app.selected == "net:v0"
        await pilot.press("right", "right", "right")
        assert app.selected == "train"
        text = "\n".join(rows_of(walk))
        assert "INPUTS (2)" in text
        assert "OUTPUTS (1)" in text
        assert ("selected", "net:v0") in app.said


@driven
async def test_enter_opens_the_page_of_the_node_under_the_cursor():
    app = GraphApp(pipeline(focus="train"))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("enter", "v", "v", "left", "enter")

        assert [said for said in app.said if said[0] == "opened"] == [
            ("opened", "run:train"), ("opened", "p/data:v0"),
        ]  # fmt: skip


@driven
async def test_clicks_select_and_double_clicks_open():
    for view, kind in ((View.MAP, MapCanvas), (View.LANES, LaneList)):
        app = GraphApp(pipeline(), view=view)
        async with app.run_test(size=WIDE) as pilot:
            await settled(pilot)
            widget = app.query_one(kind)
            y, x = next((y, row.index("prep")) for y, row in enumerate(rows_of(widget)) if "prep" in row)
            await pilot.click(widget, offset=(x, y))
            assert app.selected == "prep"
            await pilot.click(widget, offset=(x, y), times=2)
            await settled(pilot)

            assert ("opened", "run:prep") in app.said


# --- groups ------------------------------------------------------------------------------------------------


@driven
async def test_g_groups_and_shows_each_again():
    app = GraphApp(sweep())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("g")
        assert shown(app) == {"data:v0", "train ×6", "ckpt ×6", "pick"}
        await pilot.press("g")
        assert len(shown(app)) == 14


@driven
async def test_e_opens_one_group_and_folds_it_again():
    app = GraphApp(sweep())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("g", "right")
        assert app.selected == "group:t0"
        await pilot.press("e")
        assert shown(app) == {"data:v0", "t0", "t1", "t2", "t3", "t4", "t5", "ckpt ×6", "pick"}
        assert app.selected == "t0"
        await pilot.press("down", "e")
        assert app.selected == "group:t0"
        await pilot.press("enter")
        assert "t3" in shown(app)


@driven
async def test_capital_e_opens_all_groups():
    app = GraphApp(sweep())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("g", "E")

        assert len(shown(app)) == 14


@driven
async def test_many_alike_nodes_are_grouped_from_the_beginning():
    app = GraphApp(sweep(41))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)

        assert shown(app) == {"data:v0", "train ×41", "ckpt ×41", "pick"}
        assert "2 groups" in screen_of(app)


# --- what is shown -----------------------------------------------------------------------------------------


@driven
async def test_f_hides_what_is_unrelated_shows_it_and_dims_it_again():
    app = GraphApp(pipeline(focus="net:v0"))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("f")
        assert shown(app) == {"init", "net:v0", "train", "model:v0", "eval"}
        assert app.graph.state.unrelated is Unrelated.HIDE
        await pilot.press("f")
        assert len(shown(app)) == 9
        await pilot.press("f")
        assert app.graph.state.unrelated is Unrelated.DIM


@driven
async def test_a_and_depth_ask_for_another_part_of_the_graph():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("a", "less_than_sign", "greater_than_sign")
        assert [said[1] for said in app.said if said[0] == "scope"] == [Scope(complete=True), Scope(depth=12)]

        app.graph.show(pipeline(), scope=Scope(depth=3, complete=True))
        await settled(pilot)
        app.said.clear()
        await pilot.press("a", "less_than_sign", "greater_than_sign")
        assert [said[1] for said in app.said if said[0] == "scope"] == [
            Scope(depth=3), Scope(depth=2, complete=True), Scope(depth=4, complete=True),
        ]  # fmt: skip
        assert "complete  depth 3" in screen_of(app)


@driven
async def test_another_graph_keeps_node_groups_search_and_types():
    app = GraphApp(sweep())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("g", "right", "right", "right")
        app.graph.search("pick")
        app.graph.show(sweep(9), scope=Scope(complete=True))
        await settled(pilot)

        assert app.selected == "pick"
        assert shown(app) == {"data:v0", "train ×9", "ckpt ×9", "pick"}
        assert app.graph.state.matches == ("pick",)


@driven
async def test_t_leaves_types_out_and_lines_lead_past_them():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("t")
        assert isinstance(app.screen, TypesMenu)
        assert "dataset" in screen_of(app)
        await pilot.press("space", "enter")
        await settled(pilot)

        assert shown(app) == {"load", "prep", "init", "net:v0", "train", "model:v0", "eval"}
        assert app.graph.state.model.kept == Kept(types=frozenset({"model"}))
        assert "2 left out by type" in screen_of(app)
        await pilot.press("t", "a", "enter")
        await settled(pilot)
        assert len(shown(app)) == 9
        await pilot.press("t", "down", "i", "escape")
        await settled(pilot)
        assert len(shown(app)) == 9


@driven
async def test_names_grow_shrink_and_zoom():
    nodes = [run("a-run-with-a-name-that-takes-many-cells-on-the-map"), version("x:v0")]
    app = GraphApp(graph(nodes, (nodes[0].key, "x:v0")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        widths = []
        for key in ("minus", "plus", "plus", "z", "z"):
            await pilot.press(key)
            widths.append(app.query_one(MapCanvas).plan.blocks[0].label)

        assert widths == [24, 32, 40, 50, 8]
        assert "a-run-w…" in rows_of(app.query_one(MapCanvas))[0]


@driven
async def test_m_takes_the_minimap_away_and_brings_it_back():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "1-7/7" in screen_of(app)
        await pilot.press("m")
        assert "1-7/7" not in screen_of(app)
        await pilot.press("m")
        assert "1-7/7" in screen_of(app)


@driven
async def test_the_minimap_says_which_layers_are_on_the_screen():
    long = graph([run(f"r{n}", f"j{n}") for n in range(40)], *((f"r{n}", f"r{n + 1}") for n in range(39)))
    app = GraphApp(long, view=View.MAP)
    async with app.run_test(size=(100, 12)) as pilot:
        await settled(pilot)
        first = screen_of(app).split("\n")[0]
        app.graph.show(long, select="r30")
        await settled(pilot)
        later = screen_of(app).split("\n")[0]

        assert " 1-" in first
        assert " 1-" not in later
        assert "/40" in later


@driven
async def test_p_shows_facts_beside_the_map_where_there_is_room():
    app = GraphApp(pipeline(focus="train"))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.graph.tell({"train": [("config.lr", "0.01"), ("note", "[/] \x1b]52;c;x")]})
        await settled(pilot)
        text = screen_of(app)
        assert "lr" in text
        assert "\\x1b]52" in text
        await pilot.press("p")
        assert "config" not in screen_of(app)


@driven
async def test_c_brings_the_node_to_the_middle():
    wide = graph([run(f"r{n}", f"j{n}") for n in range(40)], *((f"r{n}", f"r{n + 1}") for n in range(39)))
    app = GraphApp(wide, view=View.MAP)
    async with app.run_test(size=(100, 12)) as pilot:
        app.graph.show(wide, select="r12")
        await pilot.press("c")
        canvas = app.query_one(MapCanvas)
        place = canvas.plan.places[app.selected]

        assert abs(place.column + place.width // 2 - canvas.window.left - canvas.size.width // 2) <= 1


# --- finding -----------------------------------------------------------------------------------------------


@driven
async def test_slash_finds_n_goes_on_and_what_is_in_a_group_comes_out():
    app = GraphApp(sweep())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("g", "slash", "t", "4", "enter")
        await settled(pilot)
        assert app.selected == "t4"
        assert shown(app) == {"data:v0", "train ×5", "t4", "ckpt ×6", "pick"}

        app.graph.search("ckpt")
        await pilot.press("n")
        first = app.selected
        await pilot.press("n", "N")
        assert first == app.selected == "ckpt:v0"
        await pilot.press("N")
        assert app.selected == "ckpt:v5"
        assert "/ckpt: 6 of 6" in screen_of(app)


@driven
async def test_matches_are_underlined():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        app.graph.search("model:v0")
        await settled(pilot)

        underlined = [
            segment.text for strip in strips_of(app.query_one(MapCanvas)) for segment in strip
            if segment.style.underline
        ]  # fmt: skip
        assert "".join(underlined).strip().endswith("model:v0")


@driven
async def test_nothing_found_is_said():
    app = GraphApp(pipeline())
    async with app.run_test(size=WIDE) as pilot:
        app.graph.search("[/] nothing")
        await pilot.press("n")
        await settled(pilot)

        assert notes_of(app) == "nothing here is called [/] nothing"


# --- files and commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "suffix", "beginning"),
    [
        ("s", ".svg", "<svg"), ("w", ".html", "<!DOCTYPE html>"), ("d", ".dot", "digraph"), ("m", ".mmd", "flowchart"),
        ("j", ".json", "{"), ("t", ".map.txt", "● load"), ("l", ".lanes.txt", "  ●"),
    ],
)  # fmt: skip
def test_o_writes_a_file_in_each_form(workdir, key, suffix, beginning):
    @driven
    async def drive():
        app = GraphApp(pipeline(focus="train"))
        async with app.run_test(size=WIDE) as pilot:
            await pilot.press("o")
            await pilot.press(key)
            await settled(pilot)
            assert notes_of(app) == f"written: lineage-train{suffix}"

    drive()

    assert (workdir / f"lineage-train{suffix}").read_text().startswith(beginning)


def test_a_file_that_is_there_is_never_replaced(tmp_path):
    paths = [write_export(tmp_path, "../a b\x1b/c:v0", Form.SVG, text) for text in ("1", "2", "3")]

    assert [path.name for path in paths] == [
        "lineage-a-b-c-v0.svg", "lineage-a-b-c-v0-2.svg", "lineage-a-b-c-v0-3.svg",
    ]  # fmt: skip
    assert [path.read_text() for path in paths] == ["1", "2", "3"]
    assert {path.parent for path in paths} == {tmp_path}


@driven
async def test_the_command_and_the_code_say_what_is_shown():
    app = GraphApp(sweep(), source=Source(address="p/it's:v0"))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("g")
        app.graph.show(sweep(), scope=Scope(complete=True, depth=3))
        await settled(pilot)
        app.graph._keep(Kept(types=frozenset({"model"})))
        await settled(pilot)

        assert app.graph.command == (
            """localart lineage 'p/it'"'"'s:v0' --complete --depth 3 --type model --group --format map"""
        )
        assert """.lineage("p/it's:v0", depth=3, complete=True)""" in app.graph.code
        compile(app.graph.code, "code", "exec")
        await pilot.press("s")
        await settled(pilot)
        assert "In the shell" in screen_of(app)


# --- states ------------------------------------------------------------------------------------------------


@driven
async def test_an_empty_graph_says_what_to_do_next():
    app = GraphApp(LineageGraph(nodes=(), edges=()), source=Source(project="p"))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        for _ in View:
            assert "No runs and no artifacts in p yet." in screen_of(app)
            await pilot.press("right", "down", "g", "e", "f", "n", "enter", "v")


@driven
async def test_before_anything_is_read_it_says_so():
    app = GraphApp(None)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("right", "g", "e", "enter", "n", "o", "escape")

        assert "reading …" in screen_of(app)


@driven
async def test_a_graph_too_large_for_a_map_says_how_to_see_it():
    size = 3001
    nodes = [
        version(f"m{n}:v0", f"t{n}", age=n) if n % 2 else run(f"r{n}", f"j{n}", age=n) for n in range(size)
    ]
    keys = [node.key for node in nodes]
    edges = [*pairwise(keys), *((keys[n], keys[-1]) for n in range(1, size - 1, 2))]
    app = GraphApp(graph(nodes, *edges), view=View.MAP)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "too large for a map" in screen_of(app)
        await pilot.press("v")
        await settled(pilot)
        assert "r0" in rows_of(app.query_one(LaneList))[0]


@driven
async def test_a_cycle_is_mentioned():
    looped = graph([run("r"), version("a:v0")], ("a:v0", "r"), ("r", "a:v0"))
    for view in View:
        app = GraphApp(looped, view=view)
        async with app.run_test(size=WIDE) as pilot:
            await settled(pilot)
            here = []
            for key in ("r", "a:v0"):
                app.graph.show(looped, select=key)
                await pilot.pause()
                here.append("↺ leads back to" in screen_of(app))

            assert sorted(here) == [False, True]
            assert ("1 link not drawn, leading back" in screen_of(app)) is (view is not View.WALK)


@driven
async def test_a_cut_graph_says_so():
    app = GraphApp(pipeline(truncated=True))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)

        assert "9+ nodes" in screen_of(app)
        assert "only the nearest are shown" in screen_of(app)


@driven
async def test_a_large_graph_is_laid_out_beside_the_loop():
    app = GraphApp(None, view=View.MAP)
    async with app.run_test(size=WIDE) as pilot:
        app.graph.show(sweep(400))
        assert app.graph.state is None
        await settled(pilot)

        assert shown(app) == {"data:v0", "train ×400", "ckpt ×400", "pick"}
        await pilot.press("E")
        await settled(pilot)
        assert len(shown(app)) == 802


# --- any terminal --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "size"), [(View.MAP, WIDE), (View.LANES, SMALL), (View.WALK, TINY)], ids=str
)
def test_in_ascii_everything_is_ascii(view, size):
    @driven
    async def drive():
        app = GraphApp(pipeline(focus="train"), ascii_only=True, view=view)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await pilot.press("f", "slash", "r")
            await settled(pilot)
            body = app.query_one({View.MAP: MapCanvas, View.LANES: LaneList, View.WALK: WalkView}[view])
            assert "".join(rows_of(body)).isascii()
            assert "".join(rows_of(app.query_one("#graph-here"))).isascii()
            assert "".join(rows_of(app.query_one("#graph-chosen"))).isascii()

    drive()


@driven
async def test_the_selected_node_is_seen_without_colour():
    for view, kind in ((View.MAP, MapCanvas), (View.LANES, LaneList), (View.WALK, WalkView)):
        app = GraphApp(pipeline(focus="train"), view=view)
        async with app.run_test(size=SMALL) as pilot:
            await settled(pilot)
            widget = app.query_one(kind)
            if view is View.MAP:
                reversed_ = [s.text for strip in strips_of(widget) for s in strip if s.style.reverse]
                assert "".join(reversed_).strip() == "● train"
            else:
                assert [row for row in rows_of(widget) if "▶" in row and "train" in row]
            assert "▶ ● train" in rows_of(app.query_one("#graph-here"))[0]


HOSTILE = [
    "[/]", "[@click=app.quit]x[/]", "\x1b[2J", "\x9b31m", "\x1b]52;c;AAAA\x07", "\u202eevil", "two\nlines", "\ud800",
    "\x00", "A" * 100_000, "日本語" * 40 + ":v12", "e\u0301" * 60, "👩‍👩‍👧‍👦:v3", "─▶● fake", "│ ● fake", "", " ",
]  # fmt: skip


@pytest.mark.parametrize(("view", "size"), [(View.MAP, WIDE), (View.LANES, TINY), (View.WALK, WIDE)], ids=str)
def test_hostile_names_are_text_wherever_they_stand(view, size):
    nodes = [
        replace(run(f"r{n}"), label=name, group=name, project=name, state=name, address=f"run:{name}")
        for n, name in enumerate(HOSTILE)
    ]
    nodes += [
        replace(version(f"v{n}"), label=f"{name}:v{n} {name}", group=name) for n, name in enumerate(HOSTILE)
    ]
    edges = [(f"r{n}", f"v{n}") for n in range(len(HOSTILE))] + [
        (f"v{n}", f"r{n + 1}") for n in range(len(HOSTILE) - 1)
    ]

    @driven
    async def drive():
        app = GraphApp(
            graph(nodes, *edges, notes=tuple(HOSTILE)), view=view, source=Source(address=HOSTILE[0])
        )
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            app.graph.tell({node.key: [(name, name) for name in HOSTILE] for node in nodes})
            for key in ["right", "right", "down", "right", "z", "z", "slash"]:
                await pilot.press(key)
            await pilot.press("f", "a", "k", "e", "enter", "t")
            await settled(pilot)
            await pilot.press("escape", "s")
            await settled(pilot)
            for text in (screen_of(app), *(strip.text for strip in app.screen._compositor.render_strips())):
                assert not [char for char in text if char != "\n" and not char.isprintable()]
            assert app.is_running
            for strip in app.screen._compositor.render_strips():
                assert all(not (segment.style and segment.style.meta.get("@click")) for segment in strip)

    drive()


def test_every_key_of_the_graph_has_an_action():
    names = {key.action.partition("(")[0] for key in keys_of(KeyScope.GRAPH)}

    assert names
    assert not [name for name in names if not hasattr(GraphView, f"action_{name}")]
    keys = [name for key in keys_of(KeyScope.GRAPH) for name in key.names]
    assert len(keys) == len(set(keys))


def test_the_graph_needs_no_store():
    """The widget takes records: nothing below it reads."""
    import subprocess

    code = (
        "import sys, localart_tui.graph.view; "
        "print([name for name in sys.modules if name.startswith(('localart.repository', 'localart.catalog'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path.cwd(),
        env=os.environ,
    )

    assert done.stdout.strip() == "[]"
