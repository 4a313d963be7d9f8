/* MLP 64-32-10, cross-entropy, a batch of N. p: w, b of each layer. */
#include "layers.h"

double step(double **p, double **data, double lr) {
  static double h[N * 32], z[N * 10], d[N * 32];
  double gw1[64 * 32] = {0}, gb1[32] = {0}, gw2[32 * 10] = {0}, gb2[10] = {0};
  linear(N, 64, 32, data[0], p[0], p[1], h);
  relu(N * 32, h);
  linear(N, 32, 10, h, p[2], p[3], z);
  double loss = cross_entropy(N, 10, z, data[1]);
  weight_gradient(N, 32, 10, z, h, gw2, gb2);
  input_gradient(N, 32, 10, z, p[2], d);
  relu_backward(N * 32, h, d);
  weight_gradient(N, 64, 32, d, data[0], gw1, gb1);
  descend(64 * 32, lr, gw1, p[0]);
  descend(32, lr, gb1, p[1]);
  descend(32 * 10, lr, gw2, p[2]);
  descend(10, lr, gb2, p[3]);
  return loss;
}
