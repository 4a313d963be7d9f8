// Rounds: forward, backward and update, again and again. A round is plain data, and all that the
// page shows follows from the rounds, the place among them, and the position within.

// The round that the page begins with: the numbers that Python recorded.
function firstRound(data) {
  const leaves = [];
  for (const [node, x] of Object.entries(data.graph.leaves)) leaves[node] = Number(x);
  const held = {};
  for (const [node, x] of Object.entries(data.graph.held)) held[node] = Number(x);
  const rate = Number(data.rate);
  const example = exampleIn(data, leaves);
  return { leaves, held, rate, example, pristine: true, changed: false, found: 0, ...UNKNOWN };
}

const UNKNOWN = { played: null, mean: null }; // what is computed when somebody asks for it

// The same round with something else in it.
function changedRound(round, what) {
  return { ...round, ...what, ...UNKNOWN, pristine: false, changed: true, found: 0 };
}

// The round after this one: the updated parameters, and gradients set to zero.
function nextRound(round, played) {
  const start = { leaves: played.leaves, held: {}, pristine: false, changed: false, found: 0 };
  return { ...round, ...start, ...UNKNOWN };
}

// The example whose numbers the leaves hold, or -1.
function exampleIn(data, leaves) {
  const holds = (example) => Object.entries(example).every(([node, x]) => leaves[node] === Number(x));
  return data.examples.findIndex(holds);
}

function withExample(data, leaves, k) {
  const copy = [...leaves];
  for (const [node, x] of Object.entries(data.examples[k])) copy[node] = Number(x);
  return copy;
}

// The mean loss over all examples with these parameters.
function meanLoss(data, round) {
  const losses = data.examples.map((_, k) => {
    const run = forward(data.graph, withExample(data, round.leaves, k), false);
    return run.data[run.data.length - 1];
  });
  return sumOf(losses) / losses.length;
}

// --- the loss curve -------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, x] of Object.entries(attributes)) made.setAttribute(key, x);
  if (text !== undefined) made.textContent = text;
  return made;
}

// curves: [{name, numbers, look}]; here: the round to mark.
function drawCurves(svg, curves, here) {
  const [wide, high, left, base] = [260, 150, 46, 122];
  const all = curves.flatMap((c) => c.numbers).filter(Number.isFinite);
  const top = Math.max(...all, 0);
  const low = Math.min(...all, 0);
  const rounds = Math.max(curves[0].numbers.length, 2);
  const x = (k) => left + 10 + ((wide - left - 24) * k) / (rounds - 1);
  const y = (v) => base - ((base - 14) * (v - low)) / (top - low || 1);
  const told = curves.map((c) => `${c.name}: ${c.numbers.map(show).join(", ")}`).join("; ");
  const parts = [
    element("title", {}, "Loss by round"),
    element("desc", {}, told),
    element("line", { x1: left, y1: base, x2: wide - 8, y2: base, class: "axis" }),
    element("line", { x1: left, y1: 10, x2: left, y2: base, class: "axis" }),
    element("text", { x: left - 5, y: y(top) + 4, class: "end" }, show(top)),
    element("text", { x: left - 5, y: y(low) + 4, class: "end" }, show(low)),
    element("text", { x: (left + wide) / 2, y: high - 4, class: "middle" }, "round"),
    element("text", { x: x(0), y: base + 14, class: "middle" }, "1"),
    element("text", { x: x(rounds - 1), y: base + 14, class: "middle" }, String(rounds)),
  ];
  for (const curve of curves) {
    const points = curve.numbers.map((v, k) => [x(k), y(v)]).filter(([, v]) => Number.isFinite(v));
    parts.push(element("polyline", { points: points.join(" "), class: "curve " + curve.look }));
    for (const [a, b] of points) parts.push(element("circle", { cx: a, cy: b, r: 2.5, class: curve.look }));
  }
  const now = curves[0].numbers[here];
  if (Number.isFinite(now)) parts.push(element("circle", { cx: x(here), cy: y(now), r: 6, class: "here" }));
  svg.replaceChildren(...parts);
}
