def slope(f, x, h=1e-5):
    """How fast f(x) changes with x."""
    ### BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    ### END SOLUTION
