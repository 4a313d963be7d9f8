def dropout(xs, p, rng, training=True):
    """In training each x becomes 0 with probability p, and the others grow by 1 / (1 - p)."""
    ### BEGIN SOLUTION
    if not training:
        return list(xs)
    out = []
    for x in xs:
        factor = 0.0 if rng.random() < p else 1 / (1 - p)
        out.append(x * factor)
    return out
    ### END SOLUTION
