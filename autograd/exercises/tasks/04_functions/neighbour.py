import math


# A neighbour: the sigmoid and its slope, written with the sigmoid's own value.
def sigmoid(x):
    y = 1 / (1 + math.exp(-x))
    return y, y * (1 - y)


sigmoid(0.0)  # (0.5, 0.25)
