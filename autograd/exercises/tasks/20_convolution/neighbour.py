# A neighbour: a window that slides along a single row, and adds up what it sees.
def sliding_sums(row, width):
    return [sum(row[i : i + width]) for i in range(len(row) - width + 1)]


sliding_sums([1, 2, 3, 4], 2)  # [3, 5, 7]
