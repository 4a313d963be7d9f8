def gradients():
    a, b = 2, -3
    c = a * b
    d = a + c
    g = {"e": 1}
    g["d"] = c * g["e"]
    g["c"] = d * g["e"] + g["d"]
    g["b"] = a * g["c"]
    g["a"] = b * g["c"] + g["d"]
    return g
