"use strict";
// The arithmetic of a page: both passes over a graph and the update of its parameters, and each
// step as a sentence. No document here, so that it can be tested alone.
//
// `graph` is plain data, written by stepper.py:
//   names      what to call each node; a node is a number, its place in topological order
//   kind       each node's place in `ops` (which is spelled from the table of ops), or -1
//   symbol     each node's op, "" for a leaf
//   parents    each node's parents, in order, with repeats
//   leaves     {node: number}
//   constants  leaves that nobody trains, like the 2 of x ** 2
//   recorded   {node: [data, partials, changed]}: where what Python recorded is not what its
//              inputs' present data give, or where the op is unknown here
//   held       {node: gradient that it had before}
//   parameters nodes, for the update

// --- helpers of the ops: lists of numbers ---------------------------------------------------------

function sumOf(v, total = 0) {
  for (const x of v) total += x;
  return total;
}

function dotOf(v) {
  const n = Math.floor(v.length / 2); // n weights, n inputs, and perhaps a bias to start from
  let total = v.length % 2 ? v[v.length - 1] : 0;
  for (let i = 0; i < n; i++) total += v[i] * v[n + i];
  return total;
}

function logsumexpOf(v) {
  const finite = v.filter(Number.isFinite);
  const top = finite.length ? Math.max(...finite) : 0;
  return top + Math.log(sumOf(v.map((x) => Math.exp(x - top))));
}

// --- the two passes -------------------------------------------------------------------------------

// All data and all partials, for these numbers in the leaves. `pristine`: nobody changed a number,
// so what Python recorded counts.
function forward(graph, leaves, pristine) {
  const count = graph.parents.length;
  const data = new Array(count);
  const partials = new Array(count).fill([]);
  for (let i = 0; i < count; i++) {
    const kept = graph.recorded[i];
    if (!graph.parents[i].length) data[i] = leaves[i];
    else if (kept && (pristine || graph.kind[i] < 0)) [data[i], partials[i]] = kept;
    else {
      const inputs = graph.parents[i].map((p) => data[p]);
      const op = ops[graph.kind[i]];
      data[i] = op.forward(...inputs);
      partials[i] = op.partials(data[i], ...inputs);
      // The 2 of x ** 2 stays 2: its slope, NaN at x < 0, is nobody's.
      if (graph.symbol[i] === "**" && isConstant(graph, graph.parents[i][1])) partials[i][1] = 0;
    }
  }
  return { data, partials };
}

// Every node's gradient: a node has received all of its own when it hands it on.
function backward(graph, partials) {
  const count = graph.parents.length;
  const grads = new Array(count).fill(0);
  grads[count - 1] = 1;
  for (let i = count - 1; i >= 0; i--) {
    const off = grads[i] === 0 && partials[i].every(Number.isFinite);
    if (off) continue;
    graph.parents[i].forEach((p, k) => (grads[p] += contribution(graph, partials, grads, i, k)));
  }
  return grads;
}

// What `node` hands on to one of its inputs. An input that relu or maximum did not choose gets
// nothing, even if inf or NaN comes back: not 0 * Infinity.
function contribution(graph, partials, grads, node, position) {
  const partial = partials[node][position];
  const gate = graph.kind[node] >= 0 && ops[graph.kind[node]].gate;
  return gate && partial === 0 ? 0 : partial * grads[node];
}

// --- the steps ------------------------------------------------------------------------------------

const isConstant = (graph, node) => graph.constants.includes(node);

// The step list of one round. Each step is an object with its numbers; `frames` says which of them
// are shown as one: ["Forward", node, ...], ["Seed", node], ["Backward", child, place, ...],
// ["Earlier", node, ...] and ["Update", node, ...].
function play(graph, frames, round) {
  const { data, partials } = forward(graph, round.leaves, round.pristine);
  const upstream = backward(graph, partials);
  const held = round.held;
  const grads = new Map();
  const leaves = [...round.leaves];
  const make = {
    Forward(node) {
      const inputs = graph.parents[node].map((p) => data[p]);
      return { kind: "Forward", node, inputs, result: data[node], partials: partials[node] };
    },
    Seed(node) {
      grads.set(node, 1);
      return { kind: "Seed", node, after: 1 };
    },
    Backward(node, position) {
      const parent = graph.parents[node][position];
      const partial = partials[node][position];
      const before = grads.get(parent) ?? 0;
      const added = contribution(graph, partials, upstream, node, position);
      const after = before + added;
      grads.set(parent, after);
      const step = { kind: "Backward", node, parent, position, partial };
      return { ...step, upstream: upstream[node], contribution: added, before, after };
    },
    Earlier(node) {
      const before = grads.get(node) ?? 0;
      grads.set(node, before + held[node]);
      return { kind: "Earlier", node, held: held[node], before, after: before + held[node] };
    },
    Update(node) {
      const grad = grads.get(node) ?? 0;
      const after = leaves[node] - round.rate * grad;
      const step = { kind: "Update", node, before: leaves[node], grad, rate: round.rate, after };
      leaves[node] = after;
      return step;
    },
  };
  const groups = frames.map(([kind, ...ids]) => {
    if (kind !== "Backward") return ids.map((node) => make[kind](node));
    const made = [];
    for (let i = 0; i < ids.length; i += 2) made.push(make.Backward(ids[i], ids[i + 1]));
    return made;
  });
  return { data, partials, upstream, grads, groups, leaves, loss: data[data.length - 1] };
}

// The node whose number a step sets.
const targetOf = (step) => (step.kind === "Backward" ? step.parent : step.node);

// The frames in which each step is shown by itself, in the order of backward().
function singleFrames(graph, held) {
  const nodes = graph.parents.map((_, i) => i);
  const frames = nodes.filter((i) => graph.parents[i].length).map((i) => ["Forward", i]);
  frames.push(["Seed", nodes.length - 1]);
  for (const child of [...nodes].reverse())
    graph.parents[child].forEach((p, k) => {
      if (!isConstant(graph, p)) frames.push(["Backward", child, k]);
    });
  for (const leaf of nodes) if (held[leaf] && !isConstant(graph, leaf)) frames.push(["Earlier", leaf]);
  for (const p of graph.parameters) frames.push(["Update", p]);
  return frames;
}

// The numbers that are known after so many frames: {data, grad}, each with null for not yet.
function shownAt(graph, played, position) {
  const count = graph.parents.length;
  const data = new Array(count).fill(null);
  const grad = new Array(count).fill(null);
  for (let i = 0; i < count; i++) if (!graph.parents[i].length) data[i] = played.data[i];
  for (const group of played.groups.slice(0, position))
    for (const step of group) {
      if (step.kind === "Forward") data[step.node] = step.result;
      else if (step.kind === "Update") data[step.node] = step.after;
      else grad[targetOf(step)] = step.after;
    }
  return { data, grad };
}

// --- numbers and formulas as text, as in autograd/steps.py ----------------------------------------

// As Python's f"{x:.4g}".
function show(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [digits, power] = fourDigits(Math.abs(x));
  const sign = x < 0 ? "-" : "";
  const trim = (text) => (text.includes(".") ? text.replace(/\.?0*$/, "") : text);
  if (power < -4 || power >= 4) {
    const size = String(Math.abs(power)).padStart(2, "0");
    return sign + trim(digits[0] + "." + digits.slice(1)) + "e" + (power < 0 ? "-" : "+") + size;
  }
  if (power < 0) return sign + trim("0." + "0".repeat(-power - 1) + digits);
  return sign + trim(digits.slice(0, power + 1) + "." + digits.slice(power + 1));
}

// The first four digits, and the power of ten of the first. A tie goes to the even digit, as in
// Python; toExponential(3) would round it up.
function fourDigits(x) {
  const [exact, e] = x.toExponential(60).split("e");
  const all = exact.replace(".", "");
  const tie = /^50*$/.test(all.slice(4));
  if (tie && Number(all[3]) % 2 === 0) return [all.slice(0, 4), Number(e)];
  const [rounded, power] = x.toExponential(3).split("e");
  return [rounded.replace(".", ""), Number(power)];
}

const guarded = (text) => (text.startsWith("-") ? `(${text})` : text);

function shortened(terms) {
  if (terms.length <= 8) return terms;
  return [...terms.slice(0, 3), `… (${terms.length - 4} more)`, terms[terms.length - 1]];
}

function infix(sign, terms) {
  const [first, ...rest] = shortened(terms);
  return [sign === "**" ? guarded(first) : first, ...rest.map(guarded)].join(` ${sign} `);
}

const SIGNS = { sum: "+", "*": "·" };

function spell(op, inputs) {
  if (op === "dot") {
    const n = Math.floor(inputs.length / 2);
    const products = inputs.slice(0, n).map((w, i) => infix("·", [w, inputs[n + i]]));
    return infix("+", [...products, ...inputs.slice(2 * n)]);
  }
  if (op === "neg") return "-" + guarded(inputs[0]);
  if (op === "sum" || !/^\p{L}/u.test(op)) return infix(SIGNS[op] || op, inputs);
  return `${op}(${shortened(inputs).join(", ")})`;
}

// --- a step as a sentence: [formula, numbers, the new number, a remark] ---------------------------

function sentence(graph, step, round) {
  const name = (node) => graph.names[node];
  const owner = (node) => (isConstant(graph, node) ? `(${name(node)})` : name(node));
  const { node } = step;
  switch (step.kind) {
    case "Forward": {
      const called = spell(graph.symbol[node], graph.parents[node].map(name));
      const numbers = spell(graph.symbol[node], step.inputs.map(show));
      const stale = round.pristine && graph.recorded[node] && graph.recorded[node][2];
      const remark = stale ? " (an input's data was changed afterwards)" : "";
      const middle = numbers === called ? " → " : ` = ${numbers} → `;
      return [`${name(node)} = ${called}`, middle, show(step.result), remark];
    }
    case "Seed":
      return [`${name(node)}.grad = ∂${name(node)}/∂${name(node)}`, " = ", "1", ""];
    case "Backward": {
      const twice = graph.parents[node].filter((p) => p === step.parent).length > 1;
      const which = twice ? ` (as input ${step.position + 1})` : "";
      const product = spell("*", [show(step.partial), show(step.upstream)]);
      const mine = owner(step.parent);
      const formula = `${mine}.grad += ∂${name(node)}/∂${mine}${which} · ${name(node)}.grad`;
      if (step.before === 0) return [formula, ` = ${product} → `, show(step.after), ""];
      const total = spell("+", [show(step.before), show(step.contribution)]);
      const middle = ` = ${product} = ${show(step.contribution)} → ${total} = `;
      return [formula, middle, show(step.after), ""];
    }
    case "Earlier": {
      const total = spell("+", [show(step.before), show(step.held)]);
      const formula = `${owner(node)}.grad += ${show(step.held)}, left by an earlier backward()`;
      return [formula, ` → ${total} = `, show(step.after), ""];
    }
    default: {
      const moved = `${show(step.before)} - ${spell("*", [show(step.rate), show(step.grad)])}`;
      return [`${name(node)}.data -= lr · ${name(node)}.grad`, ` = ${moved} → `, show(step.after), ""];
    }
  }
}

// --- why: a step in words, for somebody who sees it for the first time ----------------------------

function why(graph, step, uses) {
  const name = graph.names[step.node];
  switch (step.kind) {
    case "Forward":
      return whyForward(graph, step, name);
    case "Seed":
      return `The way back begins here: when ${name} moves, ${name} moves by just as much.`;
    case "Backward":
      return whyBackward(graph, step, name, uses.get(step.parent));
    case "Earlier":
      return (
        `Leaves keep what they hold until somebody calls zero_grad(): ${name} had ` +
        `${show(step.held)} from before, and the new gradient is added to it.`
      );
    default:
      return whyUpdate(step, name);
  }
}

function whyForward(graph, step, name) {
  const slopes = [];
  graph.parents[step.node].forEach((p, k) => {
    if (!isConstant(graph, p)) slopes.push(`∂${name}/∂${graph.names[p]} = ${show(step.partials[k])}`);
  });
  if (slopes.length > 3) return "Noted for the way back: the local derivative for each input.";
  return `Noted for the way back: ${[...new Set(slopes)].join(", ")}.`;
}

function whyBackward(graph, step, child, uses) {
  const parent = graph.names[step.parent];
  const [before, more] = [show(step.before), show(step.contribution)];
  if (graph.parents[step.node].slice(0, step.position).includes(step.parent))
    return (
      `Why += and not =? ${child} uses ${parent} more than once, and each use counts: ` +
      `${before} so far, and now ${more} more.`
    );
  if (step.before !== 0)
    return (
      `Why += and not =? ${parent} is used in ${uses} places, so the result feels it in ` +
      `${uses} ways, and they add up: ${before} so far, and now ${more} more through ${child}.`
    );
  if (step.partial === 0)
    return `The slope is 0: ${child} does not react to ${parent} here, so nothing goes through.`;
  const first = uses < 2 ? "" : ` (The first of ${uses} contributions: more will be added.)`;
  return (
    `The chain rule: ${child} moves ${show(step.partial)} times as much as ${parent}, and the ` +
    `result ${show(step.upstream)} times as much as ${child}; through ${child}, that makes ` +
    `${more}.${first}`
  );
}

function whyUpdate(step, name) {
  if (step.grad === 0) return `The gradient is 0, so ${name} stays: it has no effect here.`;
  const way = step.grad > 0 ? "rises" : "falls";
  return (
    `When ${name} grows, the result ${way}: so ${name} goes the other way, ` +
    `lr = ${show(step.rate)} times as far as its gradient is large.`
  );
}

// How often each node hands on a gradient, over all frames.
function countUses(played) {
  const uses = new Map();
  for (const step of played.groups.flat())
    if (step.kind === "Backward") uses.set(step.parent, (uses.get(step.parent) || 0) + 1);
  return uses;
}

// Of the steps of a frame, the one that tells the story: of those that leave the box, the largest.
function mainStep(graph, group) {
  const last = group[group.length - 1];
  if (last.kind === "Update") return largest(group, (s) => Math.abs(s.after - s.before));
  if (last.kind !== "Backward") return last;
  const here = graph.place[last.node];
  const outward = group.filter((s) => graph.place[s.parent] !== here);
  return outward.length ? largest(outward, (s) => Math.abs(s.contribution)) : last;
}

function largest(steps, size) {
  return steps.reduce((best, s) => (size(s) > size(best) ? s : best));
}

function whyMany(graph, group, round) {
  const words = (step) => sentence(graph, step, round).join("");
  const count = group.length;
  if (group[0].kind === "Forward") {
    const first = group.slice(0, 2).map(words).join("; then ");
    if (count < 3) return `Inside this box: ${first}.`;
    return `${count} steps inside this box, shown as one. The first: ${first}; ...`;
  }
  if (group[0].kind === "Update")
    return (
      `All ${count} parameters of this box take their step; the one that moves most is ` +
      "written above."
    );
  if (group[0].kind === "Earlier")
    return (
      `${count} parameters of this box hold a gradient from before, until somebody calls ` +
      "zero_grad(); the new one is added to it."
    );
  const here = graph.place[group[0].node];
  const ends = [...new Set(group.map((s) => s.parent))];
  const outside = ends.filter((v) => graph.place[v] !== here).length;
  const inside = ends.filter((v) => graph.place[v] === here && !graph.parents[v].length).length;
  return (
    `${count} steps inside this box, shown as one; one of them is written above. ` +
    `They hand its gradient on, to ${inside} parameters and ${outside} inputs.`
  );
}

// What the page says about a frame: {text, why}.
function tell(graph, played, k, round) {
  const group = played.groups[k];
  const step = mainStep(graph, group);
  const told = group.length === 1 ? why(graph, step, countUses(played)) : whyMany(graph, group, round);
  return { step, text: sentence(graph, step, round), why: told };
}
