# A neighbour: the mean of f around x, also found only by calling f at two points.
def mean_around(f, x, h=0.5):
    left, right = f(x - h), f(x + h)
    return (left + right) / 2


mean_around(lambda x: x * x, 3.0)  # (2.5 ** 2 + 3.5 ** 2) / 2 = 9.25
