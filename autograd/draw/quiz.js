// Predict mode: the question of a step, the answer, and what a wrong answer gives away.

// {ask, hint, answer, within}: an answer counts as right if it is within so much.
function question(graph, step, round) {
  const name = graph.names[step.node];
  const [formula, numbers] = sentence(graph, step, round);
  switch (step.kind) {
    case "Forward": {
      const hint = formula + numbers.replace(/ → $/, "");
      const ask = `What is ${name}.data?`;
      return { ask, hint, answer: step.result, within: tolerance([step.result, ...termsOf(graph, step)]) };
    }
    case "Backward": {
      const added = step.before === 0 ? "" : `, added to ${show(step.before)}`;
      const hint = `${formula} = ${show(step.partial)} · ${show(step.upstream)}${added}`;
      const ask = `What is ${formula.split(" += ")[0]} after this step?`;
      const terms = [step.after, step.before, step.contribution];
      return { ask, hint, answer: step.after, within: tolerance(terms) };
    }
    case "Update": {
      const ask = `What is ${name}.data after the update?`;
      const terms = [step.after, step.rate * step.grad];
      return { ask, hint: formula + numbers.replace(/ → $/, ""), answer: step.after, within: tolerance(terms) };
    }
    default:
      return { ask: `What is ${name}.grad now?`, hint: formula, answer: step.after, within: tolerance([step.after]) };
  }
}

function tolerance(terms) {
  const sizes = terms.map(Math.abs).filter(Number.isFinite);
  return 0.005 * Math.max(0, ...sizes) + 1e-9;
}

// The numbers that a result is the sum of: rounding them is no mistake.
function termsOf(graph, step) {
  const op = graph.symbol[step.node];
  if (op === "+" || op === "-" || op === "sum") return step.inputs;
  if (op !== "dot") return [];
  const n = Math.floor(step.inputs.length / 2);
  return step.inputs.slice(0, n).map((w, i) => w * step.inputs[n + i]);
}

// --- misconceptions: [the number that it leads to, what to say] -----------------------------------

const sigmoidOf = (x) => 1 / (1 + Math.exp(-x));

const FORWARD_MISTAKES = {
  "*": (a, b) => [
    [a + b, "That is the sum, but this node multiplies."],
    [a - b, "That is the difference, but this node multiplies."],
  ],
  "+": (a, b) => [
    [a * b, "That is the product, but this node adds."],
    [a - b, "That is the difference, but this node adds."],
  ],
  "-": (a, b) => [
    [b - a, "The order counts: the second number is taken from the first."],
    [a + b, "That is the sum, but this node subtracts."],
  ],
  "/": (a, b) => [
    [b / a, "The order counts: the first number is divided by the second."],
    [a * b, "That is the product, but this node divides."],
  ],
  "**": (a, b) => [
    [a * b, "That is the product; a power multiplies the number by itself."],
    [b ** a, "The order counts: the first number is raised to the power of the second."],
    [-(a ** b), "The minus sign belongs to the number that is raised."],
  ],
  neg: (x) => [[x, "This node turns the sign."]],
  abs: (x) => [[x, "The absolute value is never below 0."]],
  relu: (x) => [
    [x, "relu lets only positive numbers through: below 0 it gives 0."],
    [0, "relu gives 0 only below 0: a positive number goes through as it is."],
    [-x, "relu does not turn the sign: below 0 it gives 0."],
  ],
  tanh: (x) => [
    [1 - Math.tanh(x) ** 2, "That is the slope of tanh here; asked is tanh itself."],
    [sigmoidOf(x), "That is the sigmoid; tanh goes from -1 to 1."],
    [Math.tan(x), "That is the tangent; tanh is the hyperbolic one, between -1 and 1."],
    [x, "tanh bends its input: the result is between -1 and 1."],
  ],
  sigmoid: (x) => [
    [sigmoidOf(x) * (1 - sigmoidOf(x)), "That is the slope of the sigmoid; asked is the sigmoid itself."],
    [sigmoidOf(-x), "Look at the sign: the sigmoid of a large number is near 1."],
    [Math.tanh(x), "That is tanh; the sigmoid goes from 0 to 1."],
  ],
  exp: (x) => [
    [Math.E * x, "That is e times the input; exp is e to the power of the input."],
    [10 ** x, "That is a power of 10; exp is a power of e."],
    [Math.exp(-x), "Look at the sign of the input."],
  ],
  log: (x) => [
    [Math.log10(x), "That is the logarithm to base 10; log is the natural one."],
    [Math.log2(x), "That is the logarithm to base 2; log is the natural one."],
  ],
  sqrt: (x) => [[x / 2, "That is half of it; the root times itself gives the input."]],
  sum: (...v) => [[v.reduce((a, x) => a * x, 1), "That is the product, but this node adds."]],
  dot: (...v) => {
    const n = Math.floor(v.length / 2);
    const bias = v.length % 2 ? v[v.length - 1] : 0;
    return [
      [dotOf(v) - bias, "You left out the bias."],
      [dotOf(v) - 2 * bias, "The bias is added, not taken away."],
      [sumOf(v), "Each input is multiplied by its weight before the products are added."],
      [sumOf(v.slice(0, n)) * sumOf(v.slice(n, 2 * n)) + bias, "Multiply first, pair by pair; then add."],
    ];
  },
};

// Wrong contributions of a step back, by the op: (a, b) its inputs' data, y its own, i which input.
const BACKWARD_MISTAKES = {
  "*": ({ inputs, y, i, up }) => [
    [y * up, "That is the product of the data, but multiplication hands on the *other* factor."],
    [inputs[i] * up, "That is its own number, but multiplication hands on the *other* factor."],
  ],
  "+": ({ inputs, i, up }) => [
    [inputs[1 - i] * up, "That is how multiplication does it. Addition hands the gradient on as it is."],
    [inputs[i] * up, "Addition hands the gradient on as it is: its local derivative is 1."],
    [up / 2, "Addition does not share the gradient out: each input gets all of it."],
  ],
  "-": ({ i, up }) => [
    [i ? up : -up, "The first input of a subtraction has the local derivative 1, the second -1."],
  ],
  "/": ({ inputs: [a, b], i, up }) => [
    [i ? (a / (b * b)) * up : a * up, "Look at the sign: a larger divisor makes the result smaller."],
    [i ? up / b : b * up, "The local derivatives of a / b are 1/b and -a/b²."],
  ],
  "**": ({ inputs: [a, b], i, up }) =>
    i ? [] : [
      [a ** (b - 1) * up, "You left out the factor: the exponent comes down in front."],
      [b * a ** b * up, "The exponent goes down by one: b · a ** (b - 1)."],
      [a ** b * up, "That is the power itself; its slope is b · a ** (b - 1)."],
      [b * up, "That is the exponent alone; the slope is b · a ** (b - 1)."],
    ],
  neg: ({ up }) => [[up, "The sign turns on the way back, too: the local derivative is -1."]],
  relu: ({ inputs: [x], up }) => [
    x > 0
      ? [x * up, "Where relu is on it hands the gradient on as it is: its slope is 1."]
      : [up, "relu is off here (its input is not above 0), so nothing goes through."],
    [0, "relu is on here (its input is above 0), so its slope is 1."],
  ],
  tanh: ({ inputs: [x], y, up }) => [
    [(1 - x * x) * up, "The slope of tanh is 1 - y², with its result y, not its input."],
    [(1 - y) * up, "Nearly: the slope of tanh is 1 - y², the result squared."],
    [y * y * up, "The slope of tanh is 1 - y²: you left out the 1."],
    [y * (1 - y) * up, "That is how the sigmoid does it. The slope of tanh is 1 - y²."],
    [y * up, "That is the result of tanh; its slope is 1 - y²."],
  ],
  sigmoid: ({ inputs: [x], y, up }) => [
    [x * (1 - x) * up, "The slope of the sigmoid is y · (1 - y), with its result y, not its input."],
    [(1 - y * y) * up, "That is how tanh does it. The slope of the sigmoid is y · (1 - y)."],
    [(1 - y) * up, "The slope of the sigmoid is y · (1 - y): you left out the y."],
    [y * up, "The slope of the sigmoid is y · (1 - y): you left out 1 - y."],
  ],
  exp: ({ inputs: [x], y, up }) => [
    [x * up, "The slope of exp is exp itself: the node's own result."],
    [x * Math.exp(x - 1) * up, "That is the rule for powers of x; the slope of exp is exp itself."],
    [up / y, "The slope of exp is exp itself, not one over it."],
  ],
  log: ({ inputs: [x], y, up }) => [
    [x * up, "The slope of log is one over its input."],
    [up / y, "The slope of log is one over its input, not over its result."],
  ],
  dot: ({ inputs, i, up }) => [
    [inputs[i] * up, "That is its own number. A weight gets its input, and an input its weight."],
  ],
};

function mistakes(graph, step, played) {
  if (step.kind === "Forward") {
    const known = FORWARD_MISTAKES[graph.symbol[step.node]];
    return known ? known(...step.inputs) : [];
  }
  if (step.kind === "Backward") return backwardMistakes(graph, step, played);
  if (step.kind === "Update") return updateMistakes(step);
  if (step.kind === "Seed")
    return [
      [played.loss, "That is its data. Asked is how much it changes when it changes itself."],
      [0, "With 0 nothing would flow back. When it moves, it moves by just as much."],
    ];
  return [
    [step.held, "That is what it held before. The new gradient is added to it."],
    [step.before, "That is the new gradient. What it held before is added to it."],
  ];
}

function backwardMistakes(graph, step, played) {
  const { before, contribution, partial, upstream: up } = step;
  const inputs = graph.parents[step.node].map((p) => played.data[p]);
  const y = played.data[step.node];
  const wrong = [];
  if (before !== 0) {
    wrong.push([
      contribution,
      "That is this contribution alone: you replaced the earlier one instead of adding to it. " +
        "The gradient already held something: += adds to it.",
    ]);
    wrong.push([before, "That is what it held before this step, which adds something to it."]);
    wrong.push([before - contribution, "Contributions are added, not taken away."]);
    wrong.push([before * contribution, "Contributions are added, not multiplied."]);
  }
  const known = BACKWARD_MISTAKES[graph.symbol[step.node]];
  const steps = known ? known({ inputs, y, i: step.position, up }) : [];
  steps.push([partial, "That is the local derivative alone. Multiply it by the gradient that comes back."]);
  steps.push([up, "That is the gradient that comes back. Multiply it by the local derivative."]);
  steps.push([partial + up, "Multiply the two numbers; don't add them."]);
  steps.push([played.data[step.parent], "That is its data. Asked is its gradient."]);
  for (const [x, text] of steps) {
    wrong.push([before + x, text]);
    if (before !== 0) wrong.push([x, text + " And add it to what is there."]);
  }
  return wrong;
}

function updateMistakes({ before, grad, rate }) {
  return [
    [before + rate * grad, "That goes uphill: the update subtracts, so that the loss falls."],
    [before - grad, "You left out the learning rate: the step is lr times the gradient."],
    [rate * grad, "That is the step alone. It is taken away from the data."],
    [-rate * grad, "That is the step alone. It is taken away from the data."],
    [before - rate, "You left out the gradient: the step is lr times the gradient."],
    [before * (1 - rate * grad), "The step is subtracted; it does not multiply the data."],
    [before, "That is the number before the update."],
    [grad, "That is the gradient. The data moves by lr times as much, the other way."],
  ];
}

// --- judging --------------------------------------------------------------------------------------

const near = (a, b, within) => a === b || Math.abs(a - b) <= within;

// What somebody typed as a number: 3/4, 1,5 and −2 too. null: it is none.
function parsed(text) {
  const plain = text.trim().replace("−", "-").replace(/^([^.]*),([^.,]*)$/, "$1.$2");
  const fraction = plain.match(/^([^/]+)\/([^/]+)$/);
  if (fraction) {
    const [over, under] = [parsed(fraction[1]), parsed(fraction[2])];
    return over === null || under === null ? null : over / under;
  }
  if (/^[+-]?inf(inity)?$/i.test(plain)) return plain[0] === "-" ? -Infinity : Infinity;
  if (/^nan$/i.test(plain)) return NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : null;
}

// {right, text} for an answer to the question of a step.
function verdictOn(typed, graph, step, played, round) {
  const mine = parsed(typed);
  if (mine === null) return { right: null, text: "Type a number, such as -0.5, 3/4 or 2e-3." };
  const { answer, within } = question(graph, step, round);
  if (near(mine, answer, within) || (Number.isNaN(mine) && Number.isNaN(answer)))
    return { right: true, text: `Right: ${show(answer)}.` };
  const off = Number(Math.abs(mine - answer).toPrecision(2));
  const where = mine > answer ? "high" : "low";
  const far = Number.isFinite(off) ? `Not yet: that is ${off} too ${where}.` : "Not yet.";
  const made = mistakes(graph, step, played)
    .filter(([x]) => !near(x, answer, within) && near(mine, x, tolerance([x])))
    .sort(([x], [y]) => Math.abs(mine - x) - Math.abs(mine - y))[0];
  const turned = near(mine, -answer, within) ? " The size is right; look at the sign." : "";
  return { right: false, text: far + (made ? " " + made[1] : turned) + " Try again." };
}
