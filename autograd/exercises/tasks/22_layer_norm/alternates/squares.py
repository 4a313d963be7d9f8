import autograd


def layer_norm(xs, gain, bias, eps=1e-5):
    n = len(xs)
    mean = autograd.sum(xs) / n
    mean_of_squares = autograd.sum([(x - mean) * (x - mean) for x in xs]) / n
    std = autograd.exp(0.5 * autograd.log(mean_of_squares + eps))
    return tuple(b + g * (x - mean) / std for x, g, b in zip(xs, gain, bias))
