import random

import autograd


class Neuron:
    def __init__(self, nin):
        ### BEGIN SOLUTION
        self.w = [autograd.Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = autograd.Value(0.0)
        ### END SOLUTION

    def __call__(self, xs):
        """tanh(w[0] * xs[0] + w[1] * xs[1] + ... + b)"""
        ### BEGIN SOLUTION
        if len(xs) != len(self.w):
            raise ValueError(f"{len(self.w)} inputs are needed, but there are {len(xs)}")
        total = self.b
        for w, x in zip(self.w, xs):
            total = total + w * x
        return total.tanh()
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [*self.w, self.b]
        ### END SOLUTION
