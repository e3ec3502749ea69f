"use strict";
// A lineage that can be looked around in. Everything shown comes from the JSON in #graph and is only ever text:
// names go through textContent and setAttribute, never through markup. Nothing is fetched.

const data = JSON.parse(document.getElementById("graph").textContent);
const SVG = "http://www.w3.org/2000/svg";
const ROW = 34, BOX = 24, GAP = 64, LONGEST = 34;
const svg = document.getElementById("canvas");
const panel = document.getElementById("panel");
const search = document.getElementById("search");
const count = document.getElementById("count");

// --- which nodes are shown: each one, what is alike as one, or all of a type as one ---------------------------

const typeOf = data.nodes.map((node) => node.kind + ":" + (node.group || node.kind));
const alikeOf = data.nodes.map(() => -1);
data.groups.forEach((members, group) => members.forEach((member) => { alikeOf[member] = group; }));
const modes = new Map();                       // type → "each" | "alike" | "one"
const open = new Set();                        // groups opened by hand
const extracted = new Set();                   // nodes shown beside their group
let shown = [], edges = [], places = [];       // what is drawn now
let shownOf = [];                              // node → index in shown
let selected = -1, hits = [], hitAt = -1;

function setModes(mode) {
  typeOf.forEach((type, at) => modes.set(type, mode === "alike" && !hasGroups(type) ? "each" : mode));
  open.clear();
  extracted.clear();
  if (data.focus >= 0) extracted.add(data.focus);
}

function hasGroups(type) {
  return data.groups.some((members) => typeOf[members[0]] === type);
}

function groupKey(at) {
  if (extracted.has(at)) return "node " + at;
  const mode = modes.get(typeOf[at]);
  if (mode === "one") return "type " + typeOf[at];
  const group = alikeOf[at];
  return mode === "alike" && group >= 0 && !open.has(group) ? "group " + group : "node " + at;
}

function fold() {
  const byKey = new Map();
  data.nodes.forEach((node, at) => {
    const key = groupKey(at);
    if (!byKey.has(key)) byKey.set(key, []);
    byKey.get(key).push(at);
  });
  shown = [...byKey.values()].map((members) => ({ members, node: data.nodes[members[0]] }));
  shownOf = [];
  shown.forEach((thing, at) => thing.members.forEach((member) => { shownOf[member] = at; }));
  const known = new Set();
  edges = [];
  for (const [source, target] of data.edges) {
    const pair = [shownOf[source], shownOf[target]];
    if (pair[0] === pair[1] || known.has(pair.join())) continue;
    known.add(pair.join());
    edges.push(pair);
  }
}

function labelOf(thing) {
  const node = thing.node;
  if (thing.members.length === 1) return shorten(node.label);
  const alike = thing.members.every((member) => data.nodes[member].collection === node.collection);
  return shorten((alike && node.collection) || node.group || node.kind, LONGEST - 6) + " ×" + thing.members.length;
}

function shorten(text, most = LONGEST) {
  const signs = [...text];
  if (signs.length <= most) return text;
  const tail = (/(:[^:\s]+|[-_ ][0-9]+)$/.exec(signs.slice(-most / 2).join("")) || [""])[0];
  return signs.slice(0, most - 1 - [...tail].length).join("") + "…" + tail;
}

// --- layout: layers from left to right, as the map in the terminal has them -----------------------------------

function layout() {
  const inputs = shown.map(() => []), outputs = shown.map(() => []);
  edges.forEach(([source, target]) => { outputs[source].push(target); inputs[target].push(source); });
  const back = backEdges(inputs, outputs);
  const forward = edges.filter((edge) => !back.has(edge.join()));
  const layer = layersOf(forward);
  const { rows, chains } = withWires(forward, layer);
  untangle(rows);
  straighten(rows);
  const x = columns(rows);
  places = shown.map((thing, at) => ({ x: x[layer[at]], y: thing.slot.y, width: thing.width }));
  return { back, chains };
}

function backEdges(inputs, outputs) {
  const back = new Set(), state = shown.map(() => 0);
  const starts = shown.map((_, at) => at).sort((a, b) => inputs[a].length - inputs[b].length || a - b);
  for (const start of starts) {
    if (state[start]) continue;
    const path = [[start, 0]];
    state[start] = 1;
    while (path.length) {
      const step = path[path.length - 1];
      const target = outputs[step[0]][step[1]++];
      if (target === undefined) { state[step[0]] = 2; path.pop(); }
      else if (state[target] === 1) back.add([step[0], target].join());
      else if (!state[target]) { state[target] = 1; path.push([target, 0]); }
    }
  }
  return back;
}

function layersOf(forward) {
  const layer = shown.map(() => 0), waiting = shown.map(() => 0);
  const outputs = shown.map(() => []), inputs = shown.map(() => []);
  forward.forEach(([source, target]) => {
    outputs[source].push(target); inputs[target].push(source); waiting[target]++;
  });
  const order = shown.map((_, at) => at).filter((at) => !waiting[at]);
  for (let at = 0; at < order.length; at++) {
    for (const target of outputs[order[at]]) {
      layer[target] = Math.max(layer[target], layer[order[at]] + 1);
      if (!--waiting[target]) order.push(target);
    }
  }
  for (const at of order.reverse()) {          // beginnings move towards what they are for
    if (outputs[at].length && inputs[at].length <= 1) {
      layer[at] = Math.max(layer[at], least(outputs[at].map((target) => layer[target])) - 1);
    }
  }
  return layer;
}

function least(numbers) { return numbers.reduce((a, b) => Math.min(a, b), Infinity); }

/** A slot for each node, and one in each layer that something from a node passes on its way: one chain a source. */
function withWires(forward, layer) {
  const rows = [], chains = shown.map(() => new Map());
  const put = (slot, at) => { (rows[at] = rows[at] || []).push(slot); };
  shown.forEach((thing, at) => {
    thing.slot = { y: 0, before: [], after: [] };
    put(thing.slot, layer[at]);
  });
  for (const [source, target] of forward) {
    let near = shown[source].slot;
    for (let at = layer[source] + 1; at < layer[target]; at++) {
      let wire = chains[source].get(at);
      if (!wire) {
        wire = { y: 0, before: [], after: [], wire: true };
        chains[source].set(at, wire);
        put(wire, at);
        joinSlots(near, wire);
      }
      near = wire;
    }
    joinSlots(near, shown[target].slot);
  }
  return { rows: rows.map((row) => row || []), chains };
}

function joinSlots(near, far) { near.after.push(far); far.before.push(near); }

function untangle(rows) {
  const number = () => rows.forEach((row) => row.forEach((slot, at) => { slot.at = at; }));
  const sort = (row, side) => {
    let last = 0;
    row.forEach((slot) => {
      const near = slot[side];
      if (near.length) last = near.reduce((sum, other) => sum + other.at, 0) / near.length;
      slot.wanted = last;
    });
    row.sort((a, b) => a.wanted - b.wanted);
    row.forEach((slot, at) => { slot.at = at; });
  };
  number();
  for (let sweep = 0; sweep < 4; sweep++) {
    for (let at = rows.length - 2; at >= 0; at--) sort(rows[at], "after");
    for (let at = 1; at < rows.length; at++) sort(rows[at], "before");
  }
}

/** Rows as near to those of the neighbours as the order in each layer allows. */
function straighten(rows) {
  rows.forEach((row) => row.forEach((slot, at) => { slot.y = at * ROW; }));
  for (let sweep = 0; sweep < 6; sweep++) {
    const side = sweep % 2 ? "after" : "before";
    for (const row of sweep % 2 ? [...rows].reverse() : rows) {
      const wanted = row.map((slot) => middle(slot[side].map((other) => other.y), slot.y));
      const y = spread(wanted, row.map((slot) => (slot.wire ? ROW / 2 : ROW)));
      row.forEach((slot, at) => { slot.y = y[at]; });
    }
  }
  const top = least(rows.flat().map((slot) => slot.y));
  rows.forEach((row) => row.forEach((slot) => { slot.y -= top; }));
}

function middle(numbers, otherwise) {
  return numbers.length ? numbers.reduce((a, b) => a + b, 0) / numbers.length : otherwise;
}

/** The nearest places to `wanted` that keep their order and their distances: neighbours in the way move together. */
function spread(wanted, sizes) {
  const blocks = [];
  wanted.forEach((want, at) => {
    let block = { sum: want, count: 1, size: sizes[at], first: at };
    while (blocks.length) {
      const above = blocks[blocks.length - 1];
      if (above.sum / above.count + above.size <= block.sum / block.count) break;
      blocks.pop();
      block = {
        sum: above.sum + block.sum - above.size * block.count, count: above.count + block.count,
        size: above.size + block.size, first: above.first,
      };
    }
    blocks.push(block);
  });
  const y = [];
  blocks.forEach((block) => {
    let here = block.sum / block.count;
    for (let at = block.first; at < block.first + block.count; at++) { y[at] = here; here += sizes[at]; }
  });
  return y;
}

const pen = document.createElement("canvas").getContext("2d");

function columns(rows) {
  pen.font = "13px system-ui, sans-serif";
  shown.forEach((thing) => {
    thing.label = labelOf(thing);
    thing.width = Math.ceil(pen.measureText(thing.label).width) + 24;
    thing.slot.width = thing.width;
  });
  const x = [];
  let left = 0;
  rows.forEach((row, at) => {
    x[at] = left;
    left += row.reduce((widest, slot) => Math.max(widest, slot.width || 0), 0) + GAP;
    row.forEach((slot) => { slot.x = x[at]; });
  });
  return x;
}

// --- drawing ----------------------------------------------------------------------------------------------

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

const scene = element("g", { id: "scene" }, svg);

function draw() {
  fold();
  const { back, chains } = layout();
  const made = document.createDocumentFragment();
  const lines = element("g", { id: "edges" }, made), nodes = element("g", { id: "nodes" }, made);
  edges.forEach(([source, target], at) => {
    const leadsBack = back.has([source, target].join());
    element("path", {
      class: leadsBack ? "edge back" : "edge", "data-source": source, "data-target": target,
      d: leadsBack ? bow(source, target) : way(source, target, chains[source]), "marker-end": "url(#head)",
    }, lines);
  });
  shown.forEach((thing, at) => drawNode(thing, at, nodes));
  scene.replaceChildren(made);
  for (const select of document.querySelectorAll("#types select")) select.value = modes.get(select.dataset.type);
  mark();
}

function way(source, target, chain) {
  const from = places[source], to = places[target];
  let x = from.x + from.width, y = from.y, path = `M${round(x)} ${round(y)}`;
  const curve = (toX, toY) => {
    const half = (toX - x) / 2;
    path += `C${round(x + half)} ${round(y)} ${round(toX - half)} ${round(toY)} ${round(toX)} ${round(toY)}`;
    x = toX; y = toY;
  };
  for (const wire of [...chain.values()].sort((a, b) => a.x - b.x)) {
    if (wire.x <= from.x || wire.x >= to.x) continue;
    curve(wire.x, wire.y);
    const end = wire.x + GAP / 2;
    path += `H${round(end)}`;
    x = end;
  }
  curve(to.x, to.y);
  return path;
}

function bow(source, target) {
  const from = places[source], to = places[target], above = Math.min(from.y, to.y) - ROW * 1.2;
  const start = from.x + from.width / 2, end = to.x + to.width / 2;
  return `M${round(start)} ${round(from.y - BOX / 2)}C${round(start)} ${round(above)} ${round(end)} ${round(above)} `
    + `${round(end)} ${round(to.y - BOX / 2)}`;
}

function round(number) { return Math.round(number * 10) / 10; }

function drawNode(thing, at, parent) {
  const { x, y, width } = places[at], many = thing.members.length > 1;
  const focus = thing.members.includes(data.focus) ? " focus" : "";
  const group = element("g", {
    class: `node ${thing.node.kind}${many ? " group" : ""}${focus}`, "data-at": at,
    transform: `translate(${round(x)} ${round(y)})`, tabindex: 0, role: "button",
  }, parent);
  const size = { y: -BOX / 2, width, height: BOX, rx: thing.node.kind === "run" ? BOX / 2 : 3 };
  if (many) element("rect", { ...size, x: 3, y: size.y + 3, class: "under" }, group);
  element("rect", { ...size, x: 0 }, group);
  element("text", { x: 12, y: 4.5 }, group).textContent = thing.label;
  element("title", {}, group).textContent = thing.members.length > 1 ? thing.label : thing.node.label;
}

// --- what is selected, what was searched ------------------------------------------------------------------------

function reach(start, from, to) {
  const next = shown.map(() => []);
  edges.forEach((edge) => next[edge[from]].push(edge[to]));
  const seen = new Set([start]), stack = [start];
  while (stack.length) {
    for (const far of next[stack.pop()]) if (!seen.has(far)) { seen.add(far); stack.push(far); }
  }
  return seen;
}

function mark() {
  const here = selected < 0 ? -1 : shownOf[selected];
  const up = here < 0 ? new Set() : reach(here, 1, 0), down = here < 0 ? new Set() : reach(here, 0, 1);
  const found = new Set(hits.map((hit) => shownOf[hit]));
  svg.classList.toggle("selecting", here >= 0);
  svg.classList.toggle("searching", search.value.trim() !== "");
  for (const node of scene.querySelectorAll(".node")) {
    const at = Number(node.dataset.at);
    node.classList.toggle("selected", at === here);
    node.classList.toggle("up", up.has(at));
    node.classList.toggle("down", down.has(at));
    node.classList.toggle("hit", found.has(at));
  }
  for (const edge of scene.querySelectorAll(".edge")) {
    const source = Number(edge.dataset.source), target = Number(edge.dataset.target);
    edge.classList.toggle("up", up.has(source) && up.has(target));
    edge.classList.toggle("down", down.has(source) && down.has(target));
  }
}

function find() {
  const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  hits = words.length === 0 ? [] : data.nodes.map((node, at) => at).filter((at) => {
    const node = data.nodes[at];
    const text = [node.label, node.aliases, node.group, node.project, node.state, node.address].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  hitAt = -1;
  count.textContent = words.length === 0 ? "" : `${hits.length} found`;
  mark();
}

function nextHit(step) {
  if (!hits.length) return;
  hitAt = (hitAt + step + hits.length) % hits.length;
  count.textContent = `${hitAt + 1} of ${hits.length}`;
  reveal(hits[hitAt]);
}

/** Select a node; one in a folded group is taken out of it. */
function reveal(at) {
  if (shown[shownOf[at]].members.length > 1) { extracted.add(at); draw(); }
  select(at);
  center(shownOf[at]);
}

function select(at) {
  selected = at;
  mark();
  describe();
  remember();
}

// --- the side panel -----------------------------------------------------------------------------------------------

function add(parent, name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  parent.append(made);
  return made;
}

function button(parent, text, action) {
  const made = add(parent, "button", text);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

function describe() {
  panel.replaceChildren();
  panel.hidden = selected < 0;
  if (selected < 0) return;
  const thing = shown[shownOf[selected]];
  button(panel, "×", () => select(-1)).className = "close";
  if (thing.members.length > 1) describeGroup(thing);
  else describeNode(thing.node);
  neighbours("Inputs", 1, 0);
  neighbours("Outputs", 0, 1);
}

function describeNode(node) {
  add(panel, "h2", node.label, node.kind);
  if (node.aliases) add(panel, "p", node.aliases, "aliases");
  const facts = add(panel, "dl");
  const fixed = [["kind", node.kind === "run" ? "run" : "artifact version"],
    [node.kind === "run" ? "job type" : "type", node.group], ["project", node.project], ["state", node.state],
    ["created", node.created_at]];
  for (const [name, value] of [...fixed, ...node.facts]) {
    if (!value) continue;
    add(facts, "dt", name);
    add(facts, "dd", value);
  }
  if (node.address) add(panel, "pre", `localart show ${node.shell}\nlocalart lineage ${node.shell}`);
  const group = alikeOf[selected];
  if (group >= 0) {
    button(panel, "Fold with what is alike", () => {
      data.groups[group].forEach((member) => extracted.delete(member));
      open.delete(group);
      modes.set(typeOf[selected], "alike");
      draw();
      describe();
    });
  }
}

function describeGroup(thing) {
  add(panel, "h2", thing.label, thing.node.kind);
  button(panel, "Show each", () => {
    if (modes.get(typeOf[selected]) === "one") modes.set(typeOf[selected], "each");
    else open.add(alikeOf[selected]);
    draw();
    describe();
  });
  const list = add(panel, "ul");
  for (const member of thing.members.slice(0, 200)) {
    const node = data.nodes[member];
    button(add(list, "li"), node.state && node.kind === "run" ? `${node.label}  ${node.state}` : node.label,
      () => reveal(member));
  }
  if (thing.members.length > 200) add(panel, "p", `… and ${thing.members.length - 200} more; search finds them`);
}

function neighbours(title, from, to) {
  const here = shownOf[selected];
  const near = edges.filter((edge) => edge[from] === here).map((edge) => edge[to]);
  if (!near.length) return;
  add(panel, "h3", `${title} (${near.length})`);
  const list = add(panel, "ul");
  for (const at of near.slice(0, 200)) {
    button(add(list, "li", undefined, shown[at].node.kind), shown[at].label, () => {
      select(shown[at].members[0]);
      center(at);
    });
  }
}

// --- moving about -------------------------------------------------------------------------------------------------

let view = { x: 0, y: 0, scale: 1 };

function apply() {
  scene.setAttribute("transform", `translate(${round(view.x)} ${round(view.y)}) scale(${view.scale})`);
}

function zoom(by, x = svg.clientWidth / 2, y = svg.clientHeight / 2) {
  const scale = Math.min(4, Math.max(0.02, view.scale * by));
  view = { x: x - (x - view.x) * scale / view.scale, y: y - (y - view.y) * scale / view.scale, scale };
  apply();
}

function fit() {
  const right = places.reduce((most, place) => Math.max(most, place.x + place.width), 1);
  const bottom = places.reduce((most, place) => Math.max(most, place.y), 1) + BOX;
  const scale = Math.max(0.02, Math.min(1.2, (svg.clientWidth - 60) / right, (svg.clientHeight - 80) / bottom));
  view = { x: 30, y: Math.max(40, (svg.clientHeight - bottom * scale) / 2), scale };
  apply();
}

function center(at) {
  const place = places[at];
  const left = view.x + place.x * view.scale, top = view.y + place.y * view.scale;
  const right = left + place.width * view.scale;
  if (view.scale > 0.5 && left > 0 && right < svg.clientWidth && top > 0 && top < svg.clientHeight) return;
  const scale = Math.max(view.scale, 0.7);
  view = {
    x: svg.clientWidth / 2 - (place.x + place.width / 2) * scale, y: svg.clientHeight / 2 - place.y * scale, scale,
  };
  apply();
}

svg.addEventListener("wheel", (event) => {
  event.preventDefault();
  const frame = svg.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 500), event.clientX - frame.left, event.clientY - frame.top);
}, { passive: false });

let drag = null;
svg.addEventListener("pointerdown", (event) => {
  drag = { x: event.clientX - view.x, y: event.clientY - view.y, moved: false };
});
svg.addEventListener("pointermove", (event) => {
  if (!drag || !event.buttons) return;
  const x = event.clientX - drag.x, y = event.clientY - drag.y;
  drag.moved = drag.moved || Math.abs(x - view.x) + Math.abs(y - view.y) > 3;
  if (drag.moved) { view = { ...view, x, y }; apply(); }
});
svg.addEventListener("click", (event) => {
  if (drag && drag.moved) return;
  const node = event.target.closest(".node");
  select(node ? shown[Number(node.dataset.at)].members[0] : -1);
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "Enter" && event.target === search) nextHit(event.shiftKey ? -1 : 1);
    return;
  }
  const keys = {
    "/": () => search.focus(), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": fit,
    "n": () => nextHit(1), "N": () => nextHit(-1), "Escape": () => select(-1),
    "ArrowLeft": () => step(1, 0), "ArrowRight": () => step(0, 1), "Enter": () => {
      const node = document.activeElement.closest(".node");
      if (node) select(shown[Number(node.dataset.at)].members[0]);
    },
  };
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
});

function step(from, to) {
  if (selected < 0) return;
  const edge = edges.find((one) => one[from] === shownOf[selected]);
  if (!edge) return;
  select(shown[edge[to]].members[0]);
  center(edge[to]);
}

// --- controls and the address bar ---------------------------------------------------------------------------------

function chooser(type) {
  const [kind, ...rest] = type.split(":");
  const label = add(document.getElementById("types"), "label", undefined, kind);
  add(label, "span", `${rest.join(":")} (${typeOf.filter((other) => other === type).length})`);
  const select = add(label, "select");
  select.dataset.type = type;
  for (const [mode, says] of [["each", "each"], ["alike", "alike as one"], ["one", "all as one"]]) {
    if (mode === "alike" && !hasGroups(type)) continue;
    add(select, "option", says).value = mode;
  }
  select.addEventListener("change", () => { modes.set(type, select.value); open.clear(); redraw(); });
}

function redraw() {
  draw();
  describe();
  fit();
}

function remember() {
  const parts = [];
  if (search.value) parts.push("q=" + encodeURIComponent(search.value));
  if (selected >= 0) parts.push("node=" + encodeURIComponent(data.nodes[selected].key));
  history.replaceState(null, "", parts.length ? "#" + parts.join("&") : "#");
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  search.value = parts.get("q") || "";
  find();
  const at = data.nodes.findIndex((node) => node.key === parts.get("node"));
  if (at >= 0) reveal(at);
  else if (hits.length && parts.has("q")) center(shownOf[hits[0]]);
}

search.addEventListener("input", () => { find(); remember(); });
document.getElementById("fit").addEventListener("click", fit);
document.getElementById("closer").addEventListener("click", () => zoom(1.25));
document.getElementById("farther").addEventListener("click", () => zoom(0.8));
document.getElementById("all").addEventListener("change", (event) => { setModes(event.target.value); redraw(); });
[...new Set(typeOf)].sort().forEach(chooser);
for (const note of data.notes) add(document.getElementById("notes"), "p", note);
window.addEventListener("hashchange", recall);

setModes(data.grouped ? "alike" : "each");
document.getElementById("all").value = data.grouped ? "alike" : "each";
draw();
if (data.focus >= 0 && !location.hash.includes("node=")) select(data.focus);
fit();
if (shown.length && view.scale < 0.15) center(selected < 0 ? 0 : shownOf[selected]);
recall();
