import autograd


def gradcheck(f, xs, h=1e-5, tolerance=1e-4):
    """Does backward() through f agree with finite differences, for every input?"""
    ### BEGIN SOLUTION
    values = [autograd.Value(x) for x in xs]
    f(*values).backward()
    for i, value in enumerate(values):
        right = [autograd.Value(x + h if j == i else x) for j, x in enumerate(xs)]
        left = [autograd.Value(x - h if j == i else x) for j, x in enumerate(xs)]
        slope = (f(*right).data - f(*left).data) / (2 * h)
        if abs(value.grad - slope) > tolerance * max(1.0, abs(slope)):
            return False
    return True
    ### END SOLUTION
