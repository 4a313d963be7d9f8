# A neighbour: shares of a whole, for numbers that are above 0 already.
def shares(numbers):
    total = sum(numbers)
    return [number / total for number in numbers]


shares([1.0, 3.0])  # [0.25, 0.75]
