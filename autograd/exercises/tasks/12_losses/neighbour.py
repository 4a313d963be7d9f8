from autograd import Value


# A neighbour: the mean absolute error.
def mae(predictions, targets):
    total = 0
    for p, t in zip(predictions, targets):
        total = total + abs(p - t)
    return total / len(targets)


mae([Value(1.0), Value(2.0)], [3.0, 2.0]).data  # 1.0
