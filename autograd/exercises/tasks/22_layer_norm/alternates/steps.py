def layer_norm(xs, gain, bias, eps=1e-5):
    total = 0
    for x in xs:
        total = total + x
    m = total * (1 / len(xs))
    d = [x - m for x in xs]
    v = 0
    for x in d:
        v = v + x * x / len(xs)
    root = (v + eps) ** 0.5
    return [d[i] / root * gain[i] + bias[i] for i in range(len(d))]
