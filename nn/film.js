// The film: all that it shows is a function of the frame `t` and of whether gradients are shown.
// The answers of each epoch are computed here, from its weights and the graph of the model.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const model = data.model;
const last = data.epochs.length - 1;
const losses = data.losses.map(Number);
const validation = data.validation.map(Number);
const CELLS = 44; // of the decision map, in each direction
const BINS = 24;
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]; // Okabe and Ito
let t = 0;
let playing = null;

function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
const weights = data.weights.map(unpacked);
const gradients = data.gradients.map(unpacked);
const largestIn = (frames) => Math.max(1e-9, ...frames.map((f) => f.reduce((a, x) => (Math.abs(x) > a ? Math.abs(x) : a), 0)));
const scales = { weights: largestIn(weights), gradients: largestIn(gradients) };

// --- the model ------------------------------------------------------------------------------------

const ready = []; // of the frames: a function from inputs to the data of all nodes

function runAt(k) {
  if (ready[k]) return ready[k];
  const fixed = new Array(model.parents.length).fill(0);
  for (const [node, x] of model.constants) fixed[node] = x;
  for (const [node, place] of model.parameters) fixed[node] = weights[k][place];
  const computed = model.parents.map((_, i) => i).filter((i) => model.parents[i].length);
  ready[k] = (inputs) => {
    const held = [...fixed];
    model.inputs.forEach((node, i) => node >= 0 && (held[node] = inputs[i]));
    for (const i of computed) held[i] = ops[model.kind[i]].forward(...model.parents[i].map((p) => held[p]));
    return held;
  };
  return ready[k];
}

const outputsOf = (held) => model.outputs.map((node) => held[node]);
const answersAt = []; // of the frames: the data of all nodes, for each example
function answers(k) {
  return (answersAt[k] ??= data.inputs.map(runAt(k)));
}

// --- classes --------------------------------------------------------------------------------------

const labels = [...new Set(data.targets)].sort((a, b) => a - b);
const many = model && model.outputs.length > 1;
const whole = labels.every(Number.isInteger);
const classes = model && data.targets.length && whole && (many ? true : labels.length === 2);

// One output decides by its sign, so the lower label stands below 0; several by the largest.
function classOf(outputs) {
  if (many) return outputs.indexOf(Math.max(...outputs));
  return labels[outputs[0] > 0 ? 1 : 0];
}

function wrongAt(k) {
  return answers(k).map((held, i) => (classOf(outputsOf(held)) === data.targets[i] ? -1 : i)).filter((i) => i >= 0);
}

// A unit is dead if it gives 0 for every example; only those that can be are asked.
function deadAt(k) {
  if (!model || !data.inputs.length) return [];
  const relus = model.units.filter((u) => u.op === "relu");
  return relus.filter((u) => answers(k).every((held) => held[u.value] === 0));
}

// --- drawing --------------------------------------------------------------------------------------

let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["page", "ink", "pale", "line", "panel", "up", "down", "main", "held", "card"])
    colours[name] = style.getPropertyValue("--" + name).trim();
}

// A clean canvas in the size that it has on the page.
function fresh(id) {
  const canvas = $(id);
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = w * ratio;
  canvas.height = h * ratio;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "12px " + getComputedStyle(document.body).fontFamily;
  pen.fillStyle = colours.pale;
  return { pen, w, h };
}

function describe(id, text) {
  $(id).setAttribute("aria-label", text);
}

function places(w, h) {
  const columns = new Map([[0, model.inputs.map((node) => node)]]);
  for (const unit of model.units) {
    if (!columns.has(unit.column)) columns.set(unit.column, []);
    columns.get(unit.column).push(unit.value);
  }
  const found = new Map();
  const across = Math.max(...columns.keys()) || 1;
  for (const [column, all] of columns)
    all.forEach((node, i) =>
      found.set(node, {
        x: 26 + ((w - 60) * column) / across,
        y: (h * (i + 0.5)) / all.length,
        r: Math.max(1.5, Math.min(9, (0.42 * h) / all.length)),
      })
    );
  return found;
}

function drawNetwork() {
  const { pen, w, h } = fresh("network");
  const shown = $("gradients").checked ? "gradients" : "weights";
  $("drawn").textContent = shown;
  const numbers = (shown === "weights" ? weights : gradients)[t];
  if (!model || !model.units.length) return drawNorms(pen, w, h);
  const at = places(w, h);
  const dead = new Set(deadAt(t).map((u) => u.value));
  const lines = model.units.flatMap((u) => u.sources.map(([from, place]) => [at.get(from), at.get(u.value), numbers[place]]));
  const thin = Math.min(1, 500 / lines.length) * 5;
  for (const [a, b, x] of lines.filter(([a]) => a).sort((p, q) => Math.abs(p[2]) - Math.abs(q[2]))) {
    const size = Math.sqrt(Math.abs(x) / scales[shown]);
    if (size < 0.02) continue;
    pen.globalAlpha = Math.min(1, 0.15 + size);
    pen.strokeStyle = x > 0 ? colours.up : colours.down;
    pen.lineWidth = Math.max(0.4, thin * size);
    pen.setLineDash(x > 0 ? [] : [6, 4]);
    pen.beginPath();
    pen.moveTo(a.x, a.y);
    pen.lineTo(b.x, b.y);
    pen.stroke();
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  const held = data.inputs.length ? answers(t) : [];
  const bias = new Map(model.units.map((u) => [u.value, u.bias]));
  for (const [node, p] of at) drawUnit(pen, node, p, dead.has(node), held, numbers[bias.get(node)]);
  describe("network", `Network: ${shown} as lines, ${model.units.length} units, ${dead.size} dead.`);
}

// A unit is the darker the larger its activation is on average.
function drawUnit(pen, node, p, dead, held, bias) {
  const { r } = p;
  const mean = held.length ? sumOf(held.map((v) => Math.abs(v[node]))) / held.length : 0;
  pen.beginPath();
  pen.arc(p.x, p.y, r, 0, 7);
  pen.fillStyle = colours.page;
  pen.fill();
  pen.globalAlpha = Math.min(1, mean / (1 + mean) + 0.1);
  pen.fillStyle = dead ? colours.page : colours.ink;
  pen.fill();
  pen.globalAlpha = 1;
  pen.lineWidth = 1.5;
  pen.strokeStyle = bias < 0 ? colours.down : colours.ink;
  pen.stroke();
  if (!dead) return;
  pen.lineWidth = 2.5;
  pen.strokeStyle = colours.ink;
  pen.beginPath();
  for (const [dx, dy] of [[1, 1], [1, -1]]) {
    pen.moveTo(p.x - r * dx, p.y - r * dy);
    pen.lineTo(p.x + r * dx, p.y + r * dy);
  }
  pen.stroke();
}

// For a model that is not made of weighted sums: how large its groups of parameters are.
function drawNorms(pen, w, h) {
  const groups = new Map();
  data.names.forEach((name, i) => {
    const group = name.split(".").slice(0, 2).join(".");
    groups.set(group, [...(groups.get(group) || []), i]);
  });
  const norm = (numbers, all) => Math.hypot(...all.map((i) => numbers[i]));
  const rows = [...groups].slice(0, 14).map(([name, all]) => [name, norm(weights[t], all), norm(gradients[t], all)]);
  const most = Math.max(1e-9, ...rows.flatMap(([, a, b]) => [a, b]));
  rows.forEach(([name, a, b], i) => {
    const y = 14 + (i * (h - 20)) / rows.length;
    pen.fillStyle = colours.ink;
    pen.fillText(`${name}: weights ${show(a)}, gradients ${show(b)}`, 4, y);
    pen.fillStyle = colours.up;
    pen.fillRect(4, y + 4, ((w - 12) * a) / most, 5);
    pen.fillStyle = colours.down;
    pen.fillRect(4, y + 10, ((w - 12) * b) / most, 5);
  });
  describe("network", rows.map(([name, a, b]) => `${name}: size ${show(a)}, gradient ${show(b)}`).join("; "));
}

// --- what the model answers -------------------------------------------------------------------------

const side = model ? Math.round(Math.sqrt(model.inputs.length)) : 0;
const square = model && model.inputs.length >= data.pixels && side * side === model.inputs.length;

function drawAnswers() {
  const { pen, w, h } = fresh("answers");
  if (!model || !data.inputs.length) {
    $("answered").textContent = "What the model answers cannot be shown for this model.";
  } else if (model.inputs.length === 2) drawMap(pen, w, h);
  else if (model.inputs.length === 1) drawFunction(pen, w, h);
  else if (square && classes) drawMistakes(pen, w, h);
  else drawPairs(pen, w, h);
}

function range(numbers) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const more = 0.12 * (high - low) || 1;
  return [low - more, high + more];
}

// From numbers to pixels.
function axis([low, high], from, to) {
  const place = (x) => from + ((x - low) / (high - low)) * (to - from);
  place.at = (pixel) => low + ((pixel - from) / (to - from)) * (high - low);
  return place;
}

function axes(pen, x, y, xs, ys, w, h, names) {
  pen.fillStyle = colours.pale;
  pen.textAlign = "start";
  const short = (x) => String(Number(x.toPrecision(2)));
  pen.fillText(short(xs[0]), 34, h - 4);
  pen.textAlign = "end";
  pen.fillText(short(xs[1]), w - 6, h - 4);
  pen.fillText(short(ys[0]), 33, h - 20);
  pen.fillText(short(ys[1]), 33, 14);
  pen.textAlign = "center";
  pen.fillText(names[0], (w + 34) / 2, h - 4);
  pen.save();
  pen.translate(12, h / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(names[1], 0, 0);
  pen.restore();
  pen.textAlign = "start";
}

function drawMap(pen, w, h) {
  const [xs, ys] = [0, 1].map((k) => range(data.inputs.map((p) => p[k])));
  const [x, y] = [axis(xs, 36, w - 6), axis(ys, h - 18, 6)];
  const run = runAt(t);
  const [dx, dy] = [(w - 42) / CELLS, (h - 24) / CELLS];
  for (let i = 0; i < CELLS; i++)
    for (let j = 0; j < CELLS; j++) {
      const [left, top] = [36 + i * dx, 6 + j * dy];
      const out = outputsOf(run([x.at(left + dx / 2), y.at(top + dy / 2)]));
      pen.fillStyle = classes && many ? COLOURS[classOf(out) % 6] : out[0] > 0 ? COLOURS[1] : COLOURS[0];
      pen.globalAlpha = classes && many ? 0.35 : 0.12 + 0.4 * Math.min(1, Math.abs(out[0]) / 2);
      const [a, b] = [Math.round(left), Math.round(top)]; // whole pixels: no seams
      pen.fillRect(a, b, Math.round(left + dx) - a, Math.round(top + dy) - b);
    }
  pen.globalAlpha = 1;
  const wrong = new Set(classes ? wrongAt(t) : []);
  data.inputs.forEach((p, i) => {
    const k = classes ? labels.indexOf(data.targets[i]) : data.targets[i] > 0 ? 1 : 0;
    drawPoint(pen, x(p[0]), y(p[1]), k, wrong.has(i));
  });
  axes(pen, x, y, xs, ys, w, h, ["x[0]", "x[1]"]);
  const right = `${data.inputs.length - wrong.size} of ${data.inputs.length} right`;
  const told = `Decision map${classes ? ": " + right : ""}`;
  const shapes = ["●", "◆", "▲", "⬟", "⬢"];
  const key = classes ? labels.map((label, k) => `${shapes[k % 5]} ${label}`).join("  ") : "";
  $("answered").textContent = told + (classes ? ` (wrong: ringed)  ${key}` : "");
  describe("answers", told);
}

// The sign of a class is a colour and a shape.
function drawPoint(pen, x, y, k, ringed) {
  pen.beginPath();
  const corners = [0, 4, 3, 5, 6][k % 5];
  if (!corners) pen.arc(x, y, 4, 0, 7);
  for (let i = 0; i < corners; i++) {
    const turn = 2 * Math.PI * (i / corners - 0.25);
    pen[i ? "lineTo" : "moveTo"](x + 5.5 * Math.cos(turn), y + 5.5 * Math.sin(turn));
  }
  pen.closePath();
  pen.fillStyle = COLOURS[k % 6];
  pen.fill();
  pen.strokeStyle = "white";
  pen.lineWidth = 1;
  pen.stroke();
  if (!ringed) return;
  pen.beginPath();
  pen.arc(x, y, 8, 0, 7);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 2;
  pen.stroke();
}

function drawFunction(pen, w, h) {
  const xs = range(data.inputs.map((p) => p[0]));
  const ys = range(data.targets.length ? data.targets : [-1, 1]);
  const [x, y] = [axis(xs, 36, w - 6), axis(ys, h - 18, 6)];
  data.inputs.forEach((p, i) => data.targets.length && drawPoint(pen, x(p[0]), y(data.targets[i]), 1, false));
  const run = runAt(t);
  model.outputs.forEach((_, o) => {
    pen.beginPath();
    for (let k = 36; k <= w - 6; k += 2) {
      const out = outputsOf(run([x.at(k)]))[o];
      pen.lineTo(k, Math.max(-h, Math.min(2 * h, y(out))));
    }
    pen.strokeStyle = COLOURS[o % 6];
    pen.lineWidth = 2.5;
    pen.stroke();
  });
  axes(pen, x, y, xs, ys, w, h, ["x", "answer"]);
  $("answered").textContent = "The function that the model is (line), and the examples";
  describe("answers", $("answered").textContent);
}

function drawMistakes(pen, w, h) {
  const wrong = wrongAt(t);
  const across = Math.max(3, Math.floor(w / 84));
  const room = Math.max(1, Math.floor(h / 88));
  wrong.slice(0, across * room).forEach((i, k) => {
    const [left, top] = [(k % across) * 84 + 4, Math.floor(k / across) * 88 + 2];
    drawImage(pen, data.inputs[i], left, top, 64);
    pen.fillStyle = colours.ink;
    pen.fillText(`${classOf(outputsOf(answers(t)[i]))}, is ${data.targets[i]}`, left + 4, top + 80);
  });
  const told = `Misread: ${wrong.length} of ${data.inputs.length} images`;
  const rest = wrong.length - across * room;
  $("answered").textContent = told + (rest > 0 ? ` (${rest} more)` : "");
  describe("answers", told);
}

function drawImage(pen, pixels, left, top, size) {
  const most = Math.max(...pixels) || 1;
  const cell = size / side;
  pen.fillStyle = "white";
  pen.fillRect(left, top, size, size);
  pixels.forEach((x, i) => {
    const grey = Math.round(255 * (1 - Math.max(0, x) / most));
    pen.fillStyle = `rgb(${grey},${grey},${grey})`;
    pen.fillRect(left + (i % side) * cell, top + Math.floor(i / side) * cell, cell + 0.5, cell + 0.5);
  });
  pen.strokeStyle = colours.line;
  pen.strokeRect(left, top, size, size);
}

// Anything else: what it should be across, what the model says upwards. Good answers lie on a line.
function drawPairs(pen, w, h) {
  if (classes) {
    const wrong = wrongAt(t).length;
    $("answered").textContent = `${data.inputs.length - wrong} of ${data.inputs.length} examples right`;
    pen.fillStyle = colours.up;
    pen.fillRect(10, 30, ((w - 20) * (data.inputs.length - wrong)) / data.inputs.length, 26);
    pen.strokeStyle = colours.line;
    pen.strokeRect(10, 30, w - 20, 26);
    return describe("answers", $("answered").textContent);
  }
  const out = answers(t).map((held) => outputsOf(held)[0]);
  const goals = data.targets.length ? data.targets : out;
  const xs = range(goals);
  const [x, y] = [axis(xs, 36, w - 6), axis(xs, h - 18, 6)];
  pen.beginPath();
  pen.moveTo(x(xs[0]), y(xs[0]));
  pen.lineTo(x(xs[1]), y(xs[1]));
  pen.strokeStyle = colours.line;
  pen.stroke();
  out.forEach((v, i) => drawPoint(pen, x(goals[i]), Math.max(4, Math.min(h - 20, y(v))), 0, false));
  axes(pen, x, y, xs, xs, w, h, ["target", "answer"]);
  $("answered").textContent = "Answers against targets: good ones lie on the line";
  describe("answers", $("answered").textContent);
}

// --- losses and activations -------------------------------------------------------------------------

let lossAxis = null;

function drawLosses() {
  const { pen, w, h } = fresh("losses");
  const all = [...losses, ...validation].filter(Number.isFinite);
  const spread = Math.min(...all) > 0 && Math.max(...all) > 30 * Math.min(...all);
  const scaled = (v) => (spread ? Math.log10(v) : v);
  const numbers = all.map(scaled);
  const ys = [spread ? Math.min(...numbers) : Math.min(0, ...numbers), Math.max(...numbers)];
  const y = axis(ys[0] === ys[1] ? [ys[0] - 1, ys[1] + 1] : ys, h - 20, 10);
  lossAxis = axis([0, Math.max(losses.length, 1)], 60, w - 12);
  const curve = (numbers, colour, dash) => {
    pen.beginPath();
    numbers.forEach((v, i) => Number.isFinite(v) && pen.lineTo(lossAxis(i + 1), y(scaled(v))));
    pen.strokeStyle = colour;
    pen.setLineDash(dash);
    pen.lineWidth = 2;
    pen.stroke();
    pen.setLineDash([]);
  };
  curve(losses, colours.main, []);
  curve(validation, colours.held, [6, 4]);
  const here = lossAxis(data.epochs[t]);
  pen.beginPath();
  pen.moveTo(here, 4);
  pen.lineTo(here, h - 20);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1;
  pen.stroke();
  pen.fillStyle = colours.pale;
  pen.textAlign = "end";
  pen.fillText(show(Math.max(...all)), 55, 16);
  pen.fillText(show(spread ? Math.min(...all) : ys[0]), 55, h - 20);
  pen.fillText(String(losses.length), w - 8, h - 5);
  pen.textAlign = "center";
  pen.fillText(spread ? "epoch (loss: logarithmic)" : "epoch", w / 2, h - 5);
  describe("losses", `Loss from ${show(losses[0])} to ${show(losses[losses.length - 1])}.`);
}

function drawActivations() {
  const { pen, w, h } = fresh("activations");
  if (!model || !model.units.length || !data.inputs.length) return;
  const columns = [...new Set(model.units.map((u) => u.column))].sort((a, b) => a - b);
  const dead = new Set(deadAt(t));
  const room = w / columns.length;
  const told = columns.map((column, k) => {
    const units = model.units.filter((u) => u.column === column);
    const numbers = answers(t).flatMap((held) => units.map((u) => held[u.value]));
    const zero = numbers.filter((v) => v === 0).length / numbers.length;
    const lost = units.filter((u) => dead.has(u)).length;
    drawHistogram(pen, numbers.filter((v) => v !== 0), k * room + 6, room - 14, h);
    pen.fillStyle = colours.ink;
    pen.fillText(`layer ${k + 1}: ${units.length} × ${units[0].op === "dot" ? "linear" : units[0].op}`, k * room + 6, 12);
    const notes = [zero ? `${Math.round(100 * zero)} % zero` : "", lost ? `${lost} dead` : ""];
    pen.fillText(notes.filter(Boolean).join(", "), k * room + 6, 27);
    return `layer ${k + 1}: ${notes.filter(Boolean).join(", ") || "no zeros"}`;
  });
  describe("activations", told.join("; "));
}

function drawHistogram(pen, numbers, left, wide, h) {
  const finite = numbers.filter(Number.isFinite);
  if (!finite.length) return;
  const low = finite.reduce((a, v) => Math.min(a, v), Infinity);
  const high = finite.reduce((a, v) => Math.max(a, v), -Infinity);
  const counts = new Array(BINS).fill(0);
  for (const v of finite) counts[Math.min(BINS - 1, Math.floor(((v - low) / (high - low || 1)) * BINS))]++;
  const most = Math.max(...counts);
  pen.fillStyle = colours.main;
  counts.forEach((n, i) => {
    const tall = ((h - 62) * n) / most;
    pen.fillRect(left + (wide * i) / BINS, h - 18 - tall, wide / BINS - 1, tall);
  });
  pen.fillStyle = colours.pale;
  pen.textAlign = "start";
  pen.fillText(show(low), left, h - 4);
  pen.textAlign = "end";
  pen.fillText(show(high), left + wide, h - 4);
  pen.textAlign = "start";
}

// --- going ------------------------------------------------------------------------------------------

function summary() {
  const epoch = data.epochs[t];
  const parts = [epoch ? `Epoch ${epoch}: loss ${show(losses[epoch - 1])}` : "Epoch 0: before the training"];
  if (epoch && validation.length >= epoch) parts.push(`validation ${show(validation[epoch - 1])}`);
  if (classes) {
    const some = data.inputs.length < data.all ? ` (of ${data.all})` : "";
    parts.push(`${data.inputs.length - wrongAt(t).length} of ${data.inputs.length} right${some}`);
  }
  const dead = deadAt(t).length;
  if (dead) parts.push(`${dead} dead unit${dead > 1 ? "s" : ""}`);
  return parts.join(", ") + ".";
}

function showFrame() {
  readColours();
  drawNetwork();
  drawAnswers();
  drawLosses();
  drawActivations();
  $("told").textContent = summary();
  $("epoch").textContent = `epoch ${data.epochs[t]} of ${data.epochs[last]}`;
  $("slider").value = t;
  $("slider").setAttribute("aria-valuetext", summary());
  $("back").disabled = t === 0;
  $("next").disabled = t === last;
  $("play").textContent = playing ? "Pause" : "Play";
}

function goTo(k) {
  t = Math.max(0, Math.min(last, k));
  showFrame();
}

function play(on) {
  clearInterval(playing);
  playing = null;
  if (on) {
    if (t === last) t = 0;
    playing = setInterval(() => {
      if (t + 1 >= last) play(false);
      goTo(t + 1);
    }, Math.max(100, Math.min(400, 10000 / (last + 1))));
  }
  showFrame();
}

$("back").onclick = () => (play(false), goTo(t - 1));
$("next").onclick = () => (play(false), goTo(t + 1));
$("play").onclick = () => play(!playing);
$("slider").oninput = () => {
  const to = +$("slider").value;
  play(false);
  goTo(to);
};
$("gradients").onchange = showFrame;
$("losses").onpointerdown = (event) => {
  const epoch = lossAxis.at(event.offsetX);
  const far = data.epochs.map((e) => Math.abs(e - epoch));
  play(false);
  goTo(far.indexOf(Math.min(...far)));
};
addEventListener("keydown", (event) => {
  if (event.target === $("slider") || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = { ArrowRight: t + 1, ArrowLeft: t - 1, Home: 0, End: last }[event.key];
  const space = event.key === " " && !/^(BUTTON|INPUT)$/.test(event.target.tagName);
  if (to === undefined && !space) return;
  event.preventDefault();
  if (space) return play(!playing);
  play(false);
  goTo(to);
});
matchMedia("(prefers-color-scheme: dark)").onchange = showFrame;

if (!validation.length) $("validated").className = "hidden";
$("film").className = "";
$("plain").className = "hidden";
$("slider").max = last;
new ResizeObserver(showFrame).observe($("views"));
goTo(0);
