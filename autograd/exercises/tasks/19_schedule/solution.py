import math


def learning_rate(step, lr, warmup, total):
    """The rate for this step: a linear warm-up, then half a cosine down to 0."""
    ### BEGIN SOLUTION
    if step < warmup:
        return lr * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / (total - warmup))
    return lr * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION
