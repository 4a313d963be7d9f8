class Value:
    """A number that remembers the Values it was computed from."""

    def __init__(self, data, parents=()):
        ### BEGIN SOLUTION
        self.data = data
        self.grad = 0.0
        self.parents = parents
        ### END SOLUTION

    def __add__(self, other):  # self + other
        ### BEGIN SOLUTION
        return Value(self.data + other.data, (self, other))
        ### END SOLUTION

    def __mul__(self, other):  # self * other
        ### BEGIN SOLUTION
        return Value(self.data * other.data, (self, other))
        ### END SOLUTION
