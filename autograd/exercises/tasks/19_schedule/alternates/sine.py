import math


def learning_rate(step, lr, warmup, total):
    if step < warmup:
        return lr / warmup * (step + 1)
    left = max(total - step, 0) / (total - warmup)
    return lr * math.sin(math.pi / 2 * left) ** 2
