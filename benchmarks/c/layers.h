/* Dense layers and the cross-entropy, forward and backward; all matrices are row by row. */
#include <math.h>
#include <string.h>

/* y[n][out] = x[n][in] w[out][in]' + b[out] */
static inline void linear(int n, int in, int out, const double *x, const double *w,
                          const double *b, double *y) {
  double wt[in * out]; /* transposed: the inner loop runs along outputs, without a reduction */
  for (int o = 0; o < out; o++)
    for (int k = 0; k < in; k++) wt[k * out + o] = w[o * in + k];
  for (int i = 0; i < n; i++) {
    double *row = y + i * out;
    for (int o = 0; o < out; o++) row[o] = b[o];
    for (int k = 0; k < in; k++) {
      double v = x[i * in + k];
      for (int o = 0; o < out; o++) row[o] += v * wt[k * out + o];
    }
  }
}

/* gw[out][in] += d[n][out]' x[n][in], gb[out] += the column sums of d */
static inline void weight_gradient(int n, int in, int out, const double *d, const double *x,
                                   double *gw, double *gb) {
  for (int i = 0; i < n; i++)
    for (int o = 0; o < out; o++) {
      double v = d[i * out + o];
      gb[o] += v;
      for (int k = 0; k < in; k++) gw[o * in + k] += v * x[i * in + k];
    }
}

/* dx[n][in] = d[n][out] w[out][in] */
static inline void input_gradient(int n, int in, int out, const double *d, const double *w,
                                  double *dx) {
  memset(dx, 0, sizeof(double) * n * in);
  for (int i = 0; i < n; i++)
    for (int o = 0; o < out; o++) {
      double v = d[i * out + o];
      for (int k = 0; k < in; k++) dx[i * in + k] += v * w[o * in + k];
    }
}

static inline void relu(int n, double *x) {
  for (int i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

static inline void relu_backward(int n, const double *y, double *d) {
  for (int i = 0; i < n; i++) d[i] = y[i] > 0 ? d[i] : 0;
}

static inline void descend(int n, double lr, const double *g, double *p) {
  for (int i = 0; i < n; i++) p[i] -= lr * g[i];
}

/* The mean loss; z becomes its gradient in the logits. */
static inline double cross_entropy(int n, int classes, double *z, const double *targets) {
  double loss = 0;
  for (int i = 0; i < n; i++) {
    double *row = z + i * classes, top = row[0], total = 0;
    int target = (int)targets[i];
    for (int c = 1; c < classes; c++) top = row[c] > top ? row[c] : top;
    double wanted = row[target] - top;
    for (int c = 0; c < classes; c++) total += row[c] = exp(row[c] - top);
    loss += log(total) - wanted;
    for (int c = 0; c < classes; c++) row[c] /= total * n;
    row[target] -= 1.0 / n;
  }
  return loss / n;
}
