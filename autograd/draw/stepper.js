// What moves. All that the page shows is a function of: the rounds (training.js), the place `now`
// among them, the position (0 .. the number of frames) within that one, and what is chosen or
// opened. So going back brings back the earlier picture exactly.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const graph = data.graph;
for (const kept of Object.values(graph.recorded)) {
  kept[0] = Number(kept[0]);
  kept[1] = kept[1].map(Number);
}
const LARGEST_SCALE = 1.5; // a small graph is not blown up beyond this
const READABLE = 0.9; // 13 px letters are 11.7 px high: below this scale, follow the active node
const MOST_ROWS = 60; // of the table of what is inside a neuron
const ROWS = ["data ", "grad "];
const trains = graph.parameters.length > 0;

const nodes = [...document.querySelectorAll("#graph .node")].sort(
  (a, b) => a.id.slice(1) - b.id.slice(1)
);
const boxes = nodes.map((g, i) => {
  const r = g.querySelector("rect");
  const [x, y, w, h] = ["x", "y", "width", "height"].map((a) => +r.getAttribute(a));
  const { face, constant } = data.boxes[i];
  const rows = [g.querySelector(".d"), g.querySelector(".g")];
  const plain = constant === null ? null : [...g.querySelectorAll("text")].pop();
  const mark = g.querySelector(".mark");
  const written = plain || rows[0];
  const room = written ? x + w - 5 - +written.getAttribute("x") : 0; // for a line of text
  const shown = face ?? constant;
  return { ...data.boxes[i], g, x, y, w, h, rows, mark, plain, room, shown, text: ["", ""] };
});

// --- state ----------------------------------------------------------------------------------------

const rounds = [firstRound(data)];
let now = 0;
let position = 0;
let asking = data.quiz;
let single = false; // op by op, also inside of neurons
let asked = 0;
let right = 0;
let tried = false; // whether an answer to this question was wrong, or was shown
let opened = -1; // the box whose inside is listed
let chosen = -1; // the leaf in the form
let playing = null;
let lit = []; // elements with a class of the moment
let frames = []; // of this round, as engine.js takes them
let steps = []; // the same, as the picture shows them
let played = null; // this round, played to its end

const hidden = () => asking && position > rounds[now].found;

function enter() {
  const round = rounds[now];
  frames = framesOf(round);
  round.played = round.played || {};
  round.played[single] = round.played[single] || play(graph, frames, round);
  played = round.played[single];
  steps = frames.map(viewOf);
  position = Math.min(position, steps.length);
  $("slider").max = steps.length;
}

function framesOf(round) {
  if (single) return singleFrames(graph, round.held);
  const held = Object.keys(round.held).length;
  return held ? data.frames : data.frames.filter(([kind]) => kind !== "Earlier");
}

// The round played in full, whatever the frames: what happens is the same.
function fully(round) {
  round.played = round.played || {};
  return round.played[single] || (round.played[single] = play(graph, framesOf(round), round));
}

// --- what a frame lights --------------------------------------------------------------------------

function viewOf(frame, k) {
  const step = mainStep(graph, played.groups[k]);
  const by = graph.place[step.node];
  const on = graph.place[targetOf(step)];
  return { kind: step.kind, on, by, edges: edgesOf(played.groups[k], by) };
}

function edgesOf(group, i) {
  const ends = new Set();
  for (const step of group)
    if (step.kind === "Forward" && boxes[i].alone) boxes[i].parents.forEach((_, k) => ends.add(k));
    else if (step.kind === "Forward") between(i, graph.parents[step.node]).forEach((k) => ends.add(k));
    else if (step.kind === "Backward" && boxes[i].alone) ends.add(step.position);
    else if (step.kind === "Backward") between(i, [step.parent]).forEach((k) => ends.add(k));
  return [...ends].map((k) => `n${i}_${k}`);
}

function between(i, others) {
  const above = new Set(others.map((v) => graph.place[v]));
  return boxes[i].parents.map((p, k) => (above.has(p) ? k : -1)).filter((k) => k >= 0);
}

// --- writing: only what is new, since the browser lays out again what is written ------------------

function setClass(element, name) {
  if (element.getAttribute("class") !== name) element.setAttribute("class", name);
}

function setText(element, text) {
  const only = element.firstChild;
  if (!only) element.textContent = text;
  else if (only.data !== text) only.data = text;
}

// How wide a text is in the font that is here: measured, not guessed.
const pen = document.createElement("canvas").getContext("2d");
const family = getComputedStyle(document.body).fontFamily; // (asked once: asking takes a layout)
const measured = [new Map(), new Map()]; // plain and bold; letter by letter, since most texts are new
function widthOf(text, bold) {
  const known = measured[bold ? 1 : 0];
  let total = 0;
  for (const letter of text) {
    if (!known.has(letter)) {
      pen.font = `${bold ? "bold " : ""}13px ${family}`;
      known.set(letter, pen.measureText(letter).width);
    }
    total += known.get(letter);
  }
  return total;
}

// A text that would leave its box is made as narrow as the box.
function fit(element, box, text, bold) {
  const room = box.room - (bold ? 16 : 0);
  if (text && widthOf(text, bold) > room) {
    element.setAttribute("textLength", room.toFixed(1));
    element.setAttribute("lengthAdjust", "spacingAndGlyphs");
  } else if (element.hasAttribute("textLength")) element.removeAttribute("textLength");
}

// Python could not measure: where this font is not too wide, the letters stand as they are.
function relax(element) {
  const bold = !element.hasAttribute("class");
  if (widthOf(element.textContent, bold) <= +element.getAttribute("textLength"))
    for (const name of ["textLength", "lengthAdjust"]) element.removeAttribute(name);
}

function write(box, row, text) {
  if (box.text[row] === text) return;
  box.text[row] = text;
  const element = box.plain || box.rows[row];
  if (!element || (box.plain && row)) return;
  const words = text === "" || box.plain ? text : ROWS[row] + text;
  setText(element, words);
  fit(element, box, words, row === 1);
}

// --- the picture ----------------------------------------------------------------------------------

function render() {
  const known = shownAt(graph, played, position);
  const ahead = rounds[now].changed && !asking ? shownAt(graph, played, beforeUpdate()) : null;
  const masks = new Set();
  if (hidden()) for (const step of played.groups[position - 1]) masks.add(maskOf(step));
  const step = position ? steps[position - 1] : null;
  boxes.forEach((box, i) => {
    if (box.shown === null) return paint(i, step, null, "");
    const [d, dGhost] = textOf(box.shown, 0, known.data, ahead && ahead.data, masks);
    const [g, gGhost] = textOf(box.shown, 1, known.grad, ahead && ahead.grad, masks);
    write(box, 0, d);
    write(box, 1, box.plain ? "" : g);
    const ghosts = (dGhost ? " soon" : "") + (gGhost ? " later" : "");
    const grad = known.grad[box.shown] ?? (ahead ? ahead.grad[box.shown] : null);
    paint(i, step, masks.has(box.shown + ".1") ? null : grad, ghosts);
  });
  light(step);
  showSlope(step);
  say(step);
  listInside(known, masks);
  showTraining();
  control();
  look();
}

const maskOf = (step) =>
  targetOf(step) + (step.kind === "Forward" || step.kind === "Update" ? ".0" : ".1");

// The frames before the third pass: all data and all gradients are there, no number has moved.
const beforeUpdate = () => frames.filter(([kind]) => kind !== "Update").length;

function textOf(node, row, known, ahead, masks) {
  if (masks.has(`${node}.${row}`)) return ["?", false];
  if (known[node] !== null) return [show(known[node]), false];
  return ahead && ahead[node] !== null ? [show(ahead[node]), true] : ["", false];
}

function paint(i, step, grad, ghosts) {
  const box = boxes[i];
  const known = box.text[0] !== "" && !ghosts.includes("soon");
  let name = "node" + (known || box.shown === null ? " known" : "") + ghosts;
  if (box.text[1] !== "") name += " felt";
  const sign = grad ? (grad > 0 ? " up" : grad < 0 ? " down" : "") : "";
  if (box.mark) setText(box.mark, sign === " up" ? "▲" : sign === " down" ? "▼" : "");
  if (box.shown !== null && data.live && !graph.parents[box.shown].length) name += " leaf";
  if (box.module) name += " module";
  if (box.shown !== null && box.shown === chosen) name += " chosen";
  if (step && step.on === i) name += " on " + step.kind;
  else if (step && step.by === i) name += " by";
  setClass(box.g, name + sign);
}

function light(step) {
  for (const edge of lit) setClass(edge, "edge");
  lit = step ? step.edges.map($).filter(Boolean) : [];
  for (const edge of lit) setClass(edge, "edge on " + step.kind);
}

// the local derivative beside the active edge
function showSlope(step) {
  const group = step ? played.groups[position - 1] : [];
  const there = step && step.kind === "Backward" && group.length === 1 && lit.length === 1 && !hidden();
  const edge = there ? lit[0].firstChild : null;
  setClass($("slope"), there ? "" : "hidden");
  const words = there ? "× " + show(group[0].partial) : "";
  const wide = words ? widthOf(words, true) + 12 : 8;
  const long = edge ? edge.getTotalLength() : 0;
  const at = edge ? edge.getPointAtLength(long / 2) : { x: 0, y: 0 };
  if (long < wide + 24) at.y -= 17; // above a short edge, so that it is still seen
  const [rect, text] = $("slope").children;
  rect.setAttribute("x", at.x - wide / 2);
  rect.setAttribute("y", at.y - 10);
  rect.setAttribute("width", wide);
  text.setAttribute("x", at.x);
  text.setAttribute("y", at.y + 4.5);
  text.textContent = words;
}

// --- the words ------------------------------------------------------------------------------------

const PHASES = {
  Forward: "Forward pass: data flows from the inputs to the result",
  Seed: "Backward pass: gradients flow back to the inputs",
  Backward: "Backward pass: gradients flow back to the inputs",
  Earlier: "What the leaves held before",
  Update: "Update: each parameter takes a step against its gradient",
};

function ending() {
  if (position !== steps.length || hidden()) return "";
  return trains
    ? " That was the last step of this round. Next begins the forward pass with the new numbers."
    : " That was the last step: every .grad is now as backward() leaves it.";
}

function opening() {
  const again = now
    ? `Round ${now + 1}: the parameters have moved, and the gradients are set to zero. `
    : "";
  const predict = asking ? " You will be asked for each number before you see it." : "";
  return (
    again +
    "First each node gets its data, from left to right. Then each gets its gradient, from right " +
    `to left: how much ${data.root} changes when that node changes.${predict}`
  );
}

function say(step) {
  setText($("chip"), step ? PHASES[step.kind] : "Before the first step");
  setClass($("chip"), step ? step.kind : "");
  setClass($("words"), step ? step.kind : "");
  const round = trains ? `Round ${now + 1}, step ` : "Step ";
  setText($("count"), `${round}${position} of ${steps.length}`);
  setText($("score"), asked ? `${right} of ${asked} right at once` : "");
  const ask = hidden();
  const told = step ? tell(graph, played, position - 1, rounds[now]) : null;
  const [formula, numbers, result, remark] = told ? told.text : ["", "", "", ""];
  setText($("formula"), step ? formula : "Press Next, or the → key.");
  setText($("numbers"), ask ? " → " : numbers);
  setText($("result"), ask ? "?" : result);
  setText($("remark"), remark);
  setText($("why"), ask ? "" : step ? told.why + ending() : opening());
  setClass($("quiz"), ask ? "" : "hidden");
  setText($("ask"), ask ? question(graph, told.step, rounds[now]).ask : "");
}

function control() {
  $("back").disabled = position === 0 && now === 0;
  $("next").disabled = position === steps.length && !trains && !hidden();
  $("play").textContent = playing ? "Pause" : "Play";
  $("slider").value = position;
  const words = $("count").textContent + (position ? ": " + $("sentence").textContent : "");
  $("slider").setAttribute("aria-valuetext", words);
  $("reset").disabled = now === 0 && !rounds[0].changed;
}

// --- inside of a neuron ---------------------------------------------------------------------------

const insideOf = (i) =>
  graph.place.map((box, node) => (box === i ? node : -1)).filter((node) => node >= 0);

function listInside(known, masks) {
  const step = position ? mainStep(graph, played.groups[position - 1]) : null;
  const there = opened >= 0;
  setClass($("inside"), there ? "" : "hidden");
  if (!there) return $("rows").replaceChildren();
  const inner = insideOf(opened);
  setText($("within"), "Inside " + (boxes[opened].shown === null ? "" : graph.names[boxes[opened].shown]));
  const rows = inner.slice(0, MOST_ROWS).map((node) => {
    const row = document.createElement("tr");
    const active = step && (targetOf(step) === node || step.node === node);
    row.className = (active ? "on " : "") + (node === chosen ? "chosen" : "");
    row.dataset.node = node;
    const op = graph.symbol[node];
    const cells = [
      op ? `${graph.names[node]} (${op})` : graph.names[node],
      textOf(node, 0, known.data, rounds[now].changed && !asking ? played.data : null, masks)[0],
      textOf(node, 1, known.grad, null, masks)[0],
    ];
    for (const text of cells) row.append(Object.assign(document.createElement("td"), { textContent: text }));
    return row;
  });
  $("rows").replaceChildren(...rows);
  setText($("more"), inner.length > MOST_ROWS ? `and ${inner.length - MOST_ROWS} more` : "");
}

function openBox(i) {
  opened = opened === i ? -1 : i;
  $("open").value = opened;
  listLeaves();
  setClass($("side"), opened >= 0 || trains ? "" : "hidden");
  measure();
  render();
}

// --- the training ---------------------------------------------------------------------------------

function showTraining() {
  const round = rounds[now];
  $("example").value = round.example;
  if (!trains) return;
  const past = rounds.slice(0, now + 1);
  const losses = past.map((r) => fully(r).loss);
  const curves = [{ name: "loss", numbers: losses, look: "one" }];
  if (data.examples.length > 1)
    curves.push({ name: "mean of all examples", numbers: past.map(meanOf), look: "all" });
  const computed = hidden() ? null : shownAt(graph, played, position).data[graph.names.length - 1];
  if (asking && computed === null) curves.forEach((c) => (c.numbers = c.numbers.map((x, k) => (k === now ? NaN : x))));
  drawCurves($("curve"), curves, now);
  const mean = curves[1] ? `; mean of all ${data.examples.length} examples (dashed) ${show(curves[1].numbers[now])}` : "";
  setText($("fallen"), `${data.root} in round ${now + 1}: ${computed === null ? "not computed yet" : show(computed)}${mean}`);
  if (document.activeElement !== $("rate")) $("rate").value = show(round.rate);
  if (document.activeElement !== $("rates")) $("rates").value = Math.log10(round.rate);
}

const meanOf = (round) => (round.mean ??= meanLoss(data, round));

// --- the camera: the whole graph if it can be read, else the part around the active node ----------

let camera = null;
let moving = 0;
let [W, H] = [0, 0]; // of the stage

function measure() {
  camera = null;
  [W, H] = [$("stage").clientWidth, $("stage").clientHeight];
}

function fits() {
  return Math.min(W / data.width, H / data.height);
}

function aim() {
  const all = !$("follow").checked || fits() >= READABLE;
  const scale = all ? Math.min(fits(), LARGEST_SCALE) : 1;
  const [w, h] = [W / scale, H / scale];
  const step = steps[Math.max(position, 1) - 1];
  const centre = (size, view, starts, ends, own) => {
    if (size <= view) return (size - view) / 2;
    const [from, to] = [Math.min(...starts), Math.max(...ends)];
    const middle = to - from <= 0.9 * view ? (from + to) / 2 : own;
    return Math.max(0, Math.min(size - view, middle - view / 2));
  };
  const a = boxes[step.on];
  const seen = [a, boxes[step.by], ...(step.kind === "Forward" ? inputs(step) : [])];
  const [left, across] = [seen.map((b) => b.x), seen.map((b) => b.x + b.w)];
  const [top, bottom] = [seen.map((b) => b.y), seen.map((b) => b.y + b.h)];
  const x = centre(data.width, w, left, across, a.x + a.w / 2);
  const y = centre(data.height, h, top, bottom, a.y + a.h / 2);
  return [x, y, w, h].map((v) => Math.round(v * 100) / 100);
}

// the boxes at the far ends of the lit edges
function inputs(step) {
  return step.edges.map((id) => {
    const [, x, y] = $(id).firstChild.getAttribute("d").match(/M([-\d.]+),([-\d.]+)/);
    return { x: +x, y: +y, w: 0, h: 0 };
  });
}

function look() {
  if (!W || !H) return; // not on the page yet: a resize will come
  const to = aim();
  cancelAnimationFrame(moving);
  const from = camera;
  camera = to;
  setClass($("following"), fits() >= READABLE ? "hidden" : "");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!from || still || from.join() === to.join()) return frame(to);
  const began = performance.now();
  const tick = (time) => {
    const t = Math.min(1, (time - began) / 250);
    const ease = t * (2 - t);
    frame(t === 1 ? to : to.map((v, k) => from[k] + ease * (v - from[k])));
    if (t < 1) moving = requestAnimationFrame(tick);
  };
  moving = requestAnimationFrame(tick);
}

function frame(view) {
  // (a transform, not a viewBox: after that the browser would lay out every text again)
  $("camera").setAttribute("transform", `scale(${W / view[2]}) translate(${-view[0]} ${-view[1]})`);
  drawMap(view);
}

function drawMap(view) {
  const map = $("map");
  const needed = $("follow").checked && fits() < READABLE;
  setClass(map, needed ? "" : "hidden");
  if (!needed) return;
  const scale = Math.min(0.25 * W / data.width, 120 / data.height);
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.ceil(data.width * scale), Math.ceil(data.height * scale)];
  if (map.width !== w * ratio || map.height !== h * ratio) {
    map.width = w * ratio;
    map.height = h * ratio;
    map.style.width = w + "px";
    map.style.height = h + "px";
  }
  const ink = map.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colours = ["--line", "--value", "--grad", "--ink"].map((name) => style.getPropertyValue(name));
  ink.setTransform(scale * ratio, 0, 0, scale * ratio, 0, 0);
  ink.clearRect(0, 0, data.width, data.height);
  const least = 2.5 / scale;
  for (const box of boxes) {
    ink.fillStyle = box.text[1] !== "" ? colours[2] : box.text[0] !== "" ? colours[1] : colours[0];
    ink.fillRect(box.x, box.y, Math.max(box.w, least), Math.max(box.h, least));
  }
  ink.strokeStyle = colours[3];
  ink.lineWidth = 1.5 / scale;
  ink.strokeRect(...view);
}

// --- going -----------------------------------------------------------------------------------------

function goTo(p) {
  if (p < 0 && now > 0) return goToRound(now - 1, Infinity);
  if (p > steps.length && trains) return goToRound(now + 1, 0);
  p = Math.max(0, Math.min(steps.length, p));
  position = asking ? Math.min(p, rounds[now].found + 1) : p;
  if (single && position) followInside();
  setText($("news"), "");
  render();
}

function goToRound(k, p) {
  if (k === rounds.length) rounds.push(nextRound(rounds[k - 1], fully(rounds[k - 1])));
  now = k;
  position = p;
  enter();
  goTo(position);
}

// Op by op, the neuron in which something happens stands open.
function followInside() {
  const i = steps[position - 1].by;
  if (boxes[i].module && opened !== i) {
    opened = i;
    $("open").value = i;
    listLeaves();
    setClass($("side"), "");
    measure();
  }
}

function move(p) {
  if (p > position && hidden()) {
    verdict("Answer first, or press “Show me”.", "bad");
    $("slider").value = position;
    $("answer").focus();
    return;
  }
  verdict("", "");
  $("answer").value = "";
  tried = false;
  goTo(p);
  if (hidden()) $("answer").focus();
}

function startPlaying(on) {
  clearInterval(playing);
  playing = null;
  if (on) {
    if (position === steps.length) goTo(0);
    playing = setInterval(() => {
      goTo(position + 1);
      if (position === steps.length) startPlaying(false);
    }, 1400);
  }
  control();
}

// A whole round at once: all three passes, and on to the next.
function wholeRound() {
  startPlaying(false);
  if (asking) return move(position + 1);
  goToRound(now + 1, 0);
  const [before, after] = [rounds[now - 1], rounds[now]].map((r) => show(fully(r).loss));
  setText($("news"), `${data.root} was ${before}; with the new numbers it is ${after}.`);
}

// --- changing ---------------------------------------------------------------------------------------

// Something in this round is different now: what came after it is no longer true.
function change(what, words) {
  startPlaying(false);
  const before = fully(rounds[now]).loss;
  rounds[now] = changedRound(rounds[now], what);
  rounds.length = now + 1;
  if (asking) position = 0;
  enter();
  const after = played.loss;
  const told = asking ? "Predict from the start again." : `${data.root}: ${show(before)} → ${show(after)}.`;
  verdict("", "");
  render();
  setText($("news"), `${words} ${told}`);
}

function setLeaf(node, x) {
  if (!data.live || rounds[now].leaves[node] === x) return;
  const leaves = [...rounds[now].leaves];
  leaves[node] = x;
  const example = exampleIn(data, leaves);
  const constant = isConstant(graph, node);
  change({ leaves, example }, `${constant ? "The constant" : graph.names[node]} is now ${show(x)}.`);
  showChosen();
}

function choose(node) {
  chosen = node;
  $("leaf").value = node;
  centreDrag();
  showChosen();
  render();
}

// The slider reaches as far again on either side of the number as the number is large.
function centreDrag() {
  const x = rounds[now].leaves[chosen];
  const reach = Math.max(2, 2 * Math.abs(x));
  if (!Number.isFinite(reach)) return;
  $("drag").min = x - reach;
  $("drag").max = x + reach;
}

function showChosen() {
  const x = rounds[now].leaves[chosen];
  if (document.activeElement !== $("number")) $("number").value = show(x);
  if (document.activeElement !== $("drag")) $("drag").value = x;
}

// The leaves that can be changed: those with a box of their own, and those inside the open one.
function listLeaves() {
  const own = boxes.filter((b) => b.shown !== null && !graph.parents[b.shown].length).map((b) => b.shown);
  const inner = opened >= 0 ? insideOf(opened).filter((v) => !graph.parents[v].length) : [];
  const leaves = [...new Set([...own, ...inner.slice(0, MOST_ROWS)])].sort((a, b) => a - b);
  const options = leaves.map((v) => {
    const name = isConstant(graph, v) ? `the constant ${show(rounds[0].leaves[v])}` : graph.names[v];
    return new Option(name, v);
  });
  $("leaf").replaceChildren(...options);
  if (!leaves.includes(chosen)) chosen = leaves.length ? leaves[0] : -1;
  $("leaf").value = chosen;
  if (chosen >= 0) centreDrag(), showChosen();
}

function typedNumber() {
  const x = parsed($("number").value);
  if (x === null) return verdict("Type a number, such as -0.5, 3/4 or 2e-3.", "bad");
  verdict("", "");
  setLeaf(chosen, x);
  centreDrag();
}

function nudge(node, times) {
  const x = rounds[now].leaves[node];
  const size = 10 ** Math.floor(Math.log10(Math.max(Math.abs(x), 1))) / 10;
  setLeaf(node, Number((x + times * size).toPrecision(12)));
}

function setRate(rate) {
  if (!(rate >= 0) || rate === rounds[now].rate) return;
  change({ rate, leaves: rounds[now].leaves }, `The learning rate is now ${show(rate)}.`);
}

// A finger or the mouse on a leaf's box: to the right is more.
let dragging = null;
function grab(event, box) {
  dragging = { node: box.shown, x: event.clientX, from: rounds[now].leaves[box.shown], moved: false };
  dragging.step = Math.max(Math.abs(dragging.from), 1) / 100;
  box.g.setPointerCapture(event.pointerId);
}

function pull(event) {
  if (!dragging) return;
  const far = event.clientX - dragging.x;
  if (Math.abs(far) < 3 && !dragging.moved) return;
  if (!dragging.moved) choose(dragging.node);
  dragging.moved = true;
  setLeaf(dragging.node, Number((dragging.from + far * dragging.step).toPrecision(6)));
}

function letGo() {
  if (!dragging) return;
  const { node, moved } = dragging;
  dragging = null;
  if (moved) return centreDrag();
  choose(node);
  $("number").focus();
  $("number").select();
}

// --- the quiz ---------------------------------------------------------------------------------------

function verdict(text, look) {
  setText($("verdict"), text);
  setClass($("verdict"), look);
}

function judge() {
  const step = mainStep(graph, played.groups[position - 1]);
  const judged = verdictOn($("answer").value, graph, step, played, rounds[now]);
  if (judged.right) {
    if (!tried) right++;
    return reveal(judged.text, "good");
  }
  if (judged.right === false) tried = true;
  verdict(judged.text, "bad");
  $("answer").select();
}

function reveal(text, look) {
  rounds[now].found = position;
  asked++;
  tried = false;
  verdict(text, look);
  $("answer").value = "";
  render();
  (position < steps.length || trains ? $("next") : $("back")).focus();
}

// --- what the reader does ---------------------------------------------------------------------------

$("next").onclick = () => (startPlaying(false), move(position + 1));
$("back").onclick = () => (startPlaying(false), move(position - 1));
$("play").onclick = () => startPlaying(!playing);
$("slider").oninput = () => {
  const to = +$("slider").value; // before startPlaying() sets it back to where we are
  startPlaying(false);
  move(to);
};
$("follow").onchange = look;
$("predict").onchange = () => {
  asking = $("predict").checked;
  rounds[now].found = position;
  setClass(document.body, asking ? "quiz" : "");
  setClass($("play"), asking ? "hidden" : "");
  measure();
  render();
};
$("single").onchange = () => {
  single = $("single").checked;
  position = 0;
  rounds.forEach((round) => (round.found = 0));
  enter();
  goTo(0);
};
$("quiz").onsubmit = (event) => (event.preventDefault(), judge());
$("reveal").onclick = () => reveal("", "");
$("hint").onclick = () => {
  const step = mainStep(graph, played.groups[position - 1]);
  verdict("Hint: " + question(graph, step, rounds[now]).hint + ".", "");
  $("answer").focus();
};
$("leaf").onchange = () => choose(+$("leaf").value);
$("number").onchange = typedNumber;
$("number").onkeydown = (event) => {
  const times = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (times === undefined) return;
  event.preventDefault();
  nudge(chosen, times);
  $("number").value = show(rounds[now].leaves[chosen]);
};
$("drag").oninput = () => {
  const x = Number((+$("drag").value).toPrecision(4));
  setLeaf(chosen, x);
};
$("change").onsubmit = (event) => (event.preventDefault(), typedNumber());
$("reset").onclick = () => {
  rounds.splice(0, rounds.length, firstRound(data));
  now = 0;
  position = 0;
  setText($("news"), "");
  enter();
  listLeaves();
  render();
};
$("open").onchange = () => openBox(+$("open").value);
$("rows").onclick = (event) => {
  const row = event.target.closest("tr");
  const node = row ? +row.dataset.node : -1;
  if (node >= 0 && !graph.parents[node].length && data.live) choose(node);
};
$("rate").onchange = () => {
  const rate = parsed($("rate").value);
  if (rate === null || !(rate >= 0)) return verdict("The learning rate is a number from 0 up.", "bad");
  setRate(rate);
};
$("rates").oninput = () => setRate(Number((10 ** +$("rates").value).toPrecision(2)));
$("training").onsubmit = (event) => event.preventDefault();
$("example").onchange = () => {
  const k = +$("example").value;
  if (k < 0) return;
  const leaves = withExample(data, rounds[now].leaves, k);
  change({ leaves, example: k }, `Example ${k + 1} flows through.`);
  listLeaves();
};
$("round").onclick = wholeRound;
$("unlegend").onclick = () => setClass($("legend"), "hidden");

boxes.forEach((box, i) => {
  if (data.live && box.shown !== null && !graph.parents[box.shown].length)
    box.g.onpointerdown = (event) => (event.preventDefault(), grab(event, box));
  else if (box.module) box.g.onclick = () => openBox(i);
  box.g.onpointermove = pull;
  box.g.onpointerup = letGo;
  box.g.onpointercancel = () => (dragging = null);
});

addEventListener("keydown", (event) => {
  const target = event.target;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && target.type !== "checkbox";
  const free = target === $("answer") && $("answer").value === "";
  if ((typing && !free) || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = {
    ArrowRight: position + 1,
    ArrowLeft: position - 1,
    Home: 0,
    End: steps.length,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  startPlaying(false);
  move(to);
});

// --- the start --------------------------------------------------------------------------------------

function listExamples() {
  const name = (example) =>
    Object.entries(example).map(([node, x]) => `${graph.names[node]} = ${show(Number(x))}`).join(", ");
  const options = data.examples.map((example, k) => new Option(`${k + 1}: ${name(example)}`, k));
  if (rounds[0].example < 0) options.unshift(new Option("as it ran", -1));
  $("example").replaceChildren(...options);
}

function start() {
  document.documentElement.className = "live";
  for (const id of ["words", "steps"]) setClass($(id), "");
  setClass($("plain"), "hidden");
  setClass($("unlegend"), "");
  $("view").removeAttribute("viewBox");
  $("view").setAttribute("aria-labelledby", "said");
  const modules = boxes.map((b, i) => [b, i]).filter(([b]) => b.module);
  const options = modules.map(([b, i]) => new Option(b.shown === null ? b.module : graph.names[b.shown], i));
  $("open").replaceChildren(new Option("nothing", -1), ...options);
  setClass($("opening"), modules.length ? "" : "hidden");
  setClass($("singly"), boxes.some((b) => !b.alone) ? "" : "hidden");
  for (const box of boxes) {
    box.text = [null, null]; // what Python wrote is not ours: write all anew
    for (const text of box.g.querySelectorAll("text[textLength]")) relax(text);
  }
  if (data.live) {
    setClass($("change"), "");
    listLeaves();
  }
  if (trains) for (const id of ["side", "losses"]) setClass($(id), "");
  else for (const id of ["rating", "round"]) setClass($(id), "hidden");
  if (trains || data.examples.length) setClass($("training"), "");
  if (data.examples.length) setClass($("choosing"), "");
  listExamples();
  $("predict").checked = asking;
  if (asking) {
    $("play").className = "hidden";
    document.body.className = "quiz";
  }
  enter();
  measure();
  move(0);
  new ResizeObserver(() => (measure(), look())).observe($("stage"));
}

start();
