class Value:
    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other))

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, (self, other))

    def __pow__(self, number):  # self ** number
        ### BEGIN SOLUTION
        return Value(self.data**number, (self,))
        ### END SOLUTION

    def __neg__(self):  # -self
        ### BEGIN SOLUTION
        return self * -1
        ### END SOLUTION

    def __sub__(self, other):  # self - other
        ### BEGIN SOLUTION
        return self + -as_value(other)
        ### END SOLUTION

    def __truediv__(self, other):  # self / other
        ### BEGIN SOLUTION
        return self * as_value(other) ** -1
        ### END SOLUTION

    def __radd__(self, other):  # other + self
        ### BEGIN SOLUTION
        return self + other
        ### END SOLUTION

    def __rmul__(self, other):  # other * self
        ### BEGIN SOLUTION
        return self * other
        ### END SOLUTION

    def __rsub__(self, other):  # other - self
        ### BEGIN SOLUTION
        return -self + other
        ### END SOLUTION

    def __rtruediv__(self, other):  # other / self
        ### BEGIN SOLUTION
        return self**-1 * other
        ### END SOLUTION


def as_value(x):
    """x itself if it is a Value already, else a new Value that holds the number x."""
    ### BEGIN SOLUTION
    return x if isinstance(x, Value) else Value(x)
    ### END SOLUTION
