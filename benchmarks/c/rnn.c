/* RNN 4-16 over T steps and 16-10, N sequences. p: w[16][20], b of the cell; w, b of the head. */
#include "layers.h"

double step(double **p, double **data, double lr) {
  static double seen[T][N * 20], before[N * 16], states[T + 1][N * 16];
  static double z[N * 10], d[N * 16], dseen[N * 20];
  double gw[16 * 20] = {0}, gb[16] = {0}, gw2[16 * 10] = {0}, gb2[10] = {0};
  const double *x = data[0]; /* x[N][T][4] */
  memset(states[0], 0, sizeof states[0]);
  for (int t = 0; t < T; t++) {
    for (int i = 0; i < N; i++) {
      memcpy(seen[t] + i * 20, x + (i * T + t) * 4, 4 * sizeof(double));
      memcpy(seen[t] + i * 20 + 4, states[t] + i * 16, 16 * sizeof(double));
    }
    linear(N, 20, 16, seen[t], p[0], p[1], before);
    for (int i = 0; i < N * 16; i++) states[t + 1][i] = tanh(before[i]);
  }
  linear(N, 16, 10, states[T], p[2], p[3], z);
  double loss = cross_entropy(N, 10, z, data[1]);
  weight_gradient(N, 16, 10, z, states[T], gw2, gb2);
  input_gradient(N, 16, 10, z, p[2], d);
  for (int t = T; t-- > 0;) {
    for (int i = 0; i < N * 16; i++) d[i] *= 1 - states[t + 1][i] * states[t + 1][i];
    weight_gradient(N, 20, 16, d, seen[t], gw, gb);
    input_gradient(N, 20, 16, d, p[0], dseen);
    for (int i = 0; i < N; i++) memcpy(d + i * 16, dseen + i * 20 + 4, 16 * sizeof(double));
  }
  descend(16 * 20, lr, gw, p[0]);
  descend(16, lr, gb, p[1]);
  descend(16 * 10, lr, gw2, p[2]);
  descend(10, lr, gb2, p[3]);
  return loss;
}
