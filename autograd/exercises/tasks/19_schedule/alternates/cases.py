from math import cos, pi


def learning_rate(step, lr, warmup, total):
    if step >= total:
        return 0.0
    if step >= warmup:
        return lr * 0.5 * (1 + cos((step - warmup) * pi / (total - warmup)))
    return (1 + step) * (lr / warmup)
