def batches(examples, size, rng):
    places = sorted(range(len(examples)), key=lambda i: rng.random())
    out = []
    for k, i in enumerate(places):
        if k % size == 0:
            out.append([])
        out[-1].append(examples[i])
    return out
