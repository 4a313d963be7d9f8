def states(xs, w, u, b):
    hs = []
    for t in range(len(xs)):
        total = b + xs[t] * w
        if t > 0:
            total = total + hs[t - 1] * u
        hs.append(total.tanh())
    return hs
