def gradients():
    """The gradient of each node."""
    ### BEGIN SOLUTION
    return {
        "e": 1.0,
        "d": -6.0,
        "c": -10.0,
        "b": -20.0,
        "a": 24.0,
    }
    ### END SOLUTION
