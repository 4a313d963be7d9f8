# A neighbour: move numbers so that their mean is 0.
def centred(xs):
    mean = sum(xs) / len(xs)
    return [x - mean for x in xs]


centred([1.0, 2.0, 6.0])  # [-2.0, -1.0, 3.0]
