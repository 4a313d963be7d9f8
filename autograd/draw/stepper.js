"use strict";
// Position p (0 .. steps) shows the graph after p steps. All that the page shows is a function of
// p alone, so going back brings back the earlier picture exactly. In a quiz, a position whose
// number nobody has found yet shows a "?" in its place.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const steps = data.steps;
const LARGEST_SCALE = 1.5; // a small graph is not blown up beyond this
const READABLE = 0.9; // 13 px letters are 11.7 px high: below this scale, follow the active node
const ROWS = ["data ", "grad "];

const nodes = [...document.querySelectorAll("#graph .node")].sort(
  (a, b) => a.id.slice(1) - b.id.slice(1)
);
const boxes = nodes.map((g) => {
  const r = g.querySelector("rect");
  const [x, y, w, h] = ["x", "y", "width", "height"].map((a) => +r.getAttribute(a));
  return { g, x, y, w, h, rows: [g.querySelector(".d"), g.querySelector(".g")], text: ["", ""] };
});

// what each step overwrites, so that it can be taken back
const written = boxes.map(() => ["", ""]);
for (const [i, text] of data.start) written[i][0] = text;
const start = written.map((rows) => [...rows]);
for (const step of steps)
  for (const change of step.set) {
    const [i, row, text] = change;
    change.push(written[i][row]);
    written[i][row] = text;
  }

let position = 0;
let found = 0; // in a quiz: positions up to this one need no answer any more
let tried = false; // whether an answer to this question was wrong, or was shown
let right = 0;
let playing = null;
let lit = []; // elements with a class of the moment

const hidden = () => data.quiz && position > found;

// Writing what is there already would make the browser lay out everything again.
function setClass(element, name) {
  if (element.getAttribute("class") !== name) element.setAttribute("class", name);
}

function write(i, row, text) {
  const box = boxes[i];
  box.text[row] = text;
  if (box.rows[row]) box.rows[row].textContent = text === "" ? "" : ROWS[row] + text;
}

function paint(i, extra) {
  const box = boxes[i];
  const known = box.text[0] !== "" || !box.rows[0];
  setClass(
    box.g,
    "node" + (known ? " known" : "") + (box.text[1] !== "" ? " felt" : "") + (extra || "")
  );
}

function goTo(p) {
  p = Math.max(0, Math.min(steps.length, p));
  if (data.quiz) p = Math.min(p, found + 1);
  const touched = new Set();
  for (const [i, row, text] of masked()) touched.add(i), write(i, row, text);
  while (position < p)
    for (const [i, row, text] of steps[position++].set) touched.add(i), write(i, row, text);
  while (position > p)
    for (const [i, row, , before] of [...steps[--position].set].reverse())
      touched.add(i), write(i, row, before);
  for (const [i, row] of masked()) write(i, row, "?");
  show(touched);
}

// the numbers of this position that a quiz hides
function masked() {
  return hidden() ? steps[position - 1].set : [];
}

function show(touched) {
  const step = position ? steps[position - 1] : null;
  for (const i of lit) typeof i === "number" ? touched.add(i) : setClass(i, "edge");
  for (const i of touched) paint(i);
  lit = [];
  if (step) {
    if (step.by !== step.on) paint(step.by, " by"), lit.push(step.by);
    paint(step.on, " on " + step.kind), lit.push(step.on);
    for (const id of step.edges) {
      const edge = $(id);
      setClass(edge, "edge on " + step.kind);
      lit.push(edge);
    }
  }
  showSlope(step);
  say(step);
  control();
  look();
}

// the local derivative beside the active edge
function showSlope(step) {
  const there = step && step.slope && step.edges.length === 1 && !hidden();
  const edge = there ? $(step.edges[0]).firstChild : null;
  setClass($("slope"), there ? "" : "hidden");
  const words = there ? "× " + step.slope : "";
  const wide = 8 * words.length + 8;
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

const PHASES = {
  Forward: "Forward pass: data flows from the inputs to the result",
  Seed: "Backward pass: gradients flow back to the inputs",
  Backward: "Backward pass: gradients flow back to the inputs",
  Earlier: "What the leaves held before",
};

const LAST = " That was the last step: every .grad is now as backward() leaves it.";

function say(step) {
  const last = position === steps.length && !hidden();
  $("chip").textContent = step ? PHASES[step.kind] : "Before the first step";
  setClass($("chip"), step ? step.kind : "");
  setClass($("words"), step ? step.kind : "");
  $("count").textContent = "Step " + position + " of " + steps.length;
  $("score").textContent = data.quiz && found ? right + " of " + found + " right at once" : "";
  const [formula, numbers, result, remark] = step ? step.text : ["", "", "", ""];
  const ask = hidden();
  $("formula").textContent = step ? formula : "Press Next, or the → key.";
  $("numbers").textContent = ask ? " → " : numbers;
  $("result").textContent = ask ? "?" : result;
  $("remark").textContent = remark;
  $("why").textContent = ask
    ? ""
    : !step
      ? "First each node gets its data, from left to right. Then each gets its gradient, from " +
        "right to left: how much " + data.root + " changes when that node changes." +
        (data.quiz ? " You will be asked for each number before you see it." : "")
      : step.why + (last ? LAST : "");
  setClass($("quiz"), ask ? "" : "hidden");
  $("ask").textContent = ask ? step.quiz.ask : "";
}

function control() {
  $("back").disabled = position === 0;
  $("next").disabled = position === steps.length && !hidden();
  $("play").textContent = playing ? "Pause" : "Play";
  $("slider").value = position;
  $("slider").setAttribute(
    "aria-valuetext",
    $("count").textContent + (position ? ": " + $("sentence").textContent : "")
  );
}

// --- the camera: the whole graph if it can be read, else the part around the active node --------

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

function target() {
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
  const [left, right] = [seen.map((b) => b.x), seen.map((b) => b.x + b.w)];
  const [top, bottom] = [seen.map((b) => b.y), seen.map((b) => b.y + b.h)];
  const x = centre(data.width, w, left, right, a.x + a.w / 2);
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
  const to = target();
  cancelAnimationFrame(moving);
  const from = camera;
  camera = to;
  setClass($("following"), fits() >= READABLE ? "hidden" : "");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!from || still || from.join() === to.join()) return frame(to);
  const began = performance.now();
  const tick = (now) => {
    const t = Math.min(1, (now - began) / 250);
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
  const scale = Math.min(220 / data.width, 120 / data.height);
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.ceil(data.width * scale), Math.ceil(data.height * scale)];
  if (map.width !== w * ratio || map.height !== h * ratio) {
    map.width = w * ratio;
    map.height = h * ratio;
    map.style.width = w + "px";
    map.style.height = h + "px";
  }
  const pen = map.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name);
  const [line, value, grad, ink] = ["--line", "--value", "--grad", "--ink"].map(colour);
  pen.setTransform(scale * ratio, 0, 0, scale * ratio, 0, 0);
  pen.clearRect(0, 0, data.width, data.height);
  const least = 2.5 / scale;
  for (const box of boxes) {
    pen.fillStyle = box.text[1] !== "" ? grad : box.text[0] !== "" ? value : line;
    pen.fillRect(box.x, box.y, Math.max(box.w, least), Math.max(box.h, least));
  }
  pen.strokeStyle = ink;
  pen.lineWidth = 1.5 / scale;
  pen.strokeRect(...view);
}

// --- the quiz -----------------------------------------------------------------------------------

function number(text) {
  const plain = text.trim().replace("−", "-").replace(/^([^.]*),([^.,]*)$/, "$1.$2");
  const fraction = plain.match(/^([^/]+)\/([^/]+)$/);
  if (fraction) return number(fraction[1]) / number(fraction[2]);
  if (/^[+-]?inf(inity)?$/i.test(plain)) return plain[0] === "-" ? -Infinity : Infinity;
  if (/^nan$/i.test(plain)) return "NaN";
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? +plain : NaN;
}

const MISTAKES = {
  contribution: "That is what this step adds. The gradient already held something: += adds to it.",
  partial: "That is the local derivative alone. Multiply it by the gradient that comes back.",
  upstream: "That is the gradient that comes back. Multiply it by the local derivative.",
  sum: "Multiply the two numbers; don't add them.",
};

function near(answer, x, within) {
  return answer === x || Math.abs(answer - x) <= within;
}

function verdict(text, look) {
  $("verdict").textContent = text;
  setClass($("verdict"), look);
}

function judge() {
  const { answer, within, wrong } = steps[position - 1].quiz;
  const mine = number($("answer").value);
  const truth = answer === "NaN" ? "NaN" : +answer;
  if (Number.isNaN(mine)) {
    verdict("Type a number, such as -0.5, 3/4 or 2e-3.", "bad");
  } else if (mine === truth || near(mine, truth, within)) {
    if (!tried) right++;
    reveal("Right: " + steps[position - 1].text[2] + ".", "good");
    return;
  } else {
    tried = true;
    const off = Number(Math.abs(mine - truth).toPrecision(2));
    let text = Number.isFinite(off)
      ? "Not yet: that is " + off + (mine > truth ? " too high." : " too low.")
      : "Not yet.";
    const made = Object.keys(wrong).find((k) => near(mine, +wrong[k], within));
    if (made) text += " " + MISTAKES[made];
    else if (near(mine, -truth, within)) text += " The size is right; look at the sign.";
    verdict(text + " Try again.", "bad");
  }
  $("answer").select();
}

function reveal(text, look) {
  const step = steps[position - 1];
  found = position;
  tried = false;
  for (const [i, row, number] of step.set) write(i, row, number);
  show(new Set(step.set.map(([i]) => i)));
  verdict(text, look);
  $("answer").value = "";
  (position < steps.length ? $("next") : $("back")).focus();
}

// --- what the learner does ----------------------------------------------------------------------

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

function play(on) {
  clearInterval(playing);
  playing = null;
  if (on) {
    if (position === steps.length) goTo(0);
    playing = setInterval(() => {
      goTo(position + 1);
      if (position === steps.length) play(false);
    }, 1400);
  }
  control();
}

$("next").onclick = () => (play(false), move(position + 1));
$("back").onclick = () => (play(false), move(position - 1));
$("play").onclick = () => play(!playing);
$("slider").oninput = () => {
  const chosen = +$("slider").value; // before play() sets it back to where we are
  play(false);
  move(chosen);
};
$("follow").onchange = look;
$("quiz").onsubmit = (event) => (event.preventDefault(), judge());
$("reveal").onclick = () => reveal("", "");
$("hint").onclick = () => {
  verdict("Hint: " + steps[position - 1].quiz.hint + ".", "");
  $("answer").focus();
};
addEventListener("keydown", (event) => {
  const typing = event.target === $("answer") && $("answer").value !== "";
  const slider = event.target === $("slider");
  if (typing || slider || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = {
    ArrowRight: position + 1,
    ArrowLeft: position - 1,
    Home: 0,
    End: steps.length,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  play(false);
  move(to);
});
new ResizeObserver(() => (measure(), look())).observe($("stage"));

$("slider").max = steps.length;
if (data.quiz) {
  $("play").className = "hidden";
  document.body.className = "quiz";
}
start.forEach((rows, i) => {
  write(i, 0, rows[0]);
  paint(i);
});
measure();
move(0);
