def softmax(logits):
    m = logits[0].data
    for v in logits:
        if v.data > m:
            m = v.data
    out, s = [], 0
    for v in logits:
        out.append((v + -m).exp())
        s = s + out[-1]
    return tuple(e * s**-1 for e in out)
