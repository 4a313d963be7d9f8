def batches(examples, size, rng):
    """The examples in random order, `size` at a time."""
    ### BEGIN SOLUTION
    order = list(examples)
    rng.shuffle(order)
    return [order[i : i + size] for i in range(0, len(order), size)]
    ### END SOLUTION
