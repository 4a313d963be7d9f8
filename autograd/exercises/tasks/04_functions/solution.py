import math


def tanh(x):
    """tanh(x) and its slope at x."""
    ### BEGIN SOLUTION
    y = math.tanh(x)
    return y, 1 - y * y
    ### END SOLUTION


def relu(x):
    """x where it is positive, else 0; and the slope."""
    ### BEGIN SOLUTION
    return (x, 1.0) if x > 0 else (0.0, 0.0)
    ### END SOLUTION


def exp(x):
    """e to the power of x, and the slope."""
    ### BEGIN SOLUTION
    y = math.exp(x)
    return y, y
    ### END SOLUTION


def log(x):
    """The natural logarithm of x, and the slope."""
    ### BEGIN SOLUTION
    return math.log(x), 1 / x
    ### END SOLUTION
