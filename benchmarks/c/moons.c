/* MLP 2-H-H-1, hinge loss + L2. p: w, b of each layer. */
#include "layers.h"
#define PENALTY 1e-4

static double with_penalty(int n, const double *p, double *g) {
  double total = 0;
  for (int i = 0; i < n; i++) {
    total += p[i] * p[i];
    g[i] += 2 * PENALTY * p[i];
  }
  return PENALTY * total;
}

double step(double **p, double **data, double lr) {
  static double h1[N * H], h2[N * H], out[N], d1[N * H], d2[N * H];
  double gw1[2 * H] = {0}, gb1[H] = {0}, gw2[H * H] = {0}, gb2[H] = {0}, gw3[H] = {0}, gb3 = 0;
  double *g[] = {gw1, gb1, gw2, gb2, gw3, &gb3};
  int sizes[] = {2 * H, H, H * H, H, H, 1};
  const double *x = data[0], *y = data[1];
  linear(N, 2, H, x, p[0], p[1], h1);
  relu(N * H, h1);
  linear(N, H, H, h1, p[2], p[3], h2);
  relu(N * H, h2);
  linear(N, H, 1, h2, p[4], p[5], out);
  double loss = 0;
  for (int i = 0; i < N; i++) {
    double margin = 1 - out[i] * y[i];
    loss += margin > 0 ? margin / N : 0;
    out[i] = margin > 0 ? -y[i] / N : 0;
  }
  weight_gradient(N, H, 1, out, h2, gw3, &gb3);
  input_gradient(N, H, 1, out, p[4], d2);
  relu_backward(N * H, h2, d2);
  weight_gradient(N, H, H, d2, h1, gw2, gb2);
  input_gradient(N, H, H, d2, p[2], d1);
  relu_backward(N * H, h1, d1);
  weight_gradient(N, 2, H, d1, x, gw1, gb1);
  for (int i = 0; i < 6; i++) loss += with_penalty(sizes[i], p[i], g[i]);
  for (int i = 0; i < 6; i++) descend(sizes[i], lr, g[i], p[i]);
  return loss;
}
