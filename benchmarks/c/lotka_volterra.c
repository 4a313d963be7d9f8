/* h' = a h - b h l, l' = d h l - c l, N steps of RK4 against data. p: (a, b, c, d), (h, l). */
#define DT 0.1

typedef struct { double h, l; } State;

static const double *rate;

static State slope(State y) {
  double met = y.h * y.l;
  return (State){rate[0] * y.h - rate[1] * met, rate[3] * met - rate[2] * y.l};
}

static State moved(State y, double dt, State k) {
  return (State){y.h + dt * k.h, y.l + dt * k.l};
}

/* The gradient in y of a slope's gradient d; the rates' gradients are added to g. */
static State slope_backward(State y, State d, double *g) {
  double met = y.h * y.l, dmet = rate[3] * d.l - rate[1] * d.h;
  g[0] += d.h * y.h;
  g[1] -= d.h * met;
  g[2] -= d.l * y.l;
  g[3] += d.l * met;
  return (State){rate[0] * d.h + dmet * y.l, dmet * y.h - rate[2] * d.l};
}

double step(double **p, double **data, double lr) {
  static State ys[N + 1], stages[N][3];
  const double *seen = data[0];
  double loss = 0, g[4] = {0}, *start = p[1];
  rate = p[0];
  ys[0] = (State){start[0], start[1]};
  for (int t = 0; t < N; t++) {
    State y = ys[t], *s = stages[t], k1 = slope(y), k2, k3, k4;
    k2 = slope(s[0] = moved(y, DT / 2, k1));
    k3 = slope(s[1] = moved(y, DT / 2, k2));
    k4 = slope(s[2] = moved(y, DT, k3));
    y.h += DT / 6 * (k1.h + 2 * k2.h + 2 * k3.h + k4.h);
    y.l += DT / 6 * (k1.l + 2 * k2.l + 2 * k3.l + k4.l);
    double dh = y.h - seen[2 * t], dl = y.l - seen[2 * t + 1];
    loss += dh * dh + dl * dl;
    ys[t + 1] = y;
  }
  State d = {0, 0};
  for (int t = N; t-- > 0;) {
    State *s = stages[t], y = ys[t + 1];
    d.h += 2 * (y.h - seen[2 * t]) / N;
    d.l += 2 * (y.l - seen[2 * t + 1]) / N;
    State k = {DT / 6 * d.h, DT / 6 * d.l}; /* of k1 and k4; twice as much of k2 and k3 */
    State twice = {2 * k.h, 2 * k.l};
    State d4 = slope_backward(s[2], k, g);
    State d3 = slope_backward(s[1], moved(twice, DT, d4), g);
    State d2 = slope_backward(s[0], moved(twice, DT / 2, d3), g);
    State d1 = slope_backward(ys[t], moved(k, DT / 2, d2), g);
    d.h += d1.h + d2.h + d3.h + d4.h;
    d.l += d1.l + d2.l + d3.l + d4.l;
  }
  for (int i = 0; i < 4; i++) p[0][i] -= lr * g[i];
  start[0] -= lr * d.h;
  start[1] -= lr * d.l;
  return loss / N;
}
