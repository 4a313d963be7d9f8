def layer_norm(xs, gain, bias, eps=1e-5):
    """The xs with mean 0 and variance 1, then each times its gain, plus its bias."""
    ### BEGIN SOLUTION
    n = len(xs)
    mean = sum(xs) / n
    variance = sum((x - mean) ** 2 for x in xs) / n
    scale = (variance + eps) ** -0.5
    return [(x - mean) * scale * g + b for x, g, b in zip(xs, gain, bias)]
    ### END SOLUTION
