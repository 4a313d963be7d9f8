def batches(examples, size, rng):
    order, out = rng.sample(examples, len(examples)), []
    while order:
        out.append(order[:size])
        order = order[size:]
    return out
