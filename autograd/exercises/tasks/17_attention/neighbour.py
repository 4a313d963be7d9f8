from autograd import Value


# A neighbour: the mean of this place and of all before it. Attention is this, with weights.
def mean_so_far(values):
    out = []
    for t in range(len(values)):
        past = values[: t + 1]
        out.append([sum(column) / len(past) for column in zip(*past)])
    return out


rows = [[Value(1.0)], [Value(3.0)], [Value(8.0)]]
[row[0].data for row in mean_so_far(rows)]  # [1.0, 2.0, 4.0]
