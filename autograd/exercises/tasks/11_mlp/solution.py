import random

import autograd


class Neuron:
    def __init__(self, nin, linear=False):
        self.w = [autograd.Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = autograd.Value(0.0)
        self.linear = linear

    def __call__(self, xs):
        if len(xs) != len(self.w):
            raise ValueError(f"{len(self.w)} inputs are needed, but there are {len(xs)}")
        total = self.b
        for w, x in zip(self.w, xs):
            total = total + w * x
        return total if self.linear else total.tanh()

    def parameters(self):
        return [*self.w, self.b]


class Layer:
    def __init__(self, nin, nout, linear=False):
        ### BEGIN SOLUTION
        self.neurons = [Neuron(nin, linear) for _ in range(nout)]
        ### END SOLUTION

    def __call__(self, xs):
        ### BEGIN SOLUTION
        return [neuron(xs) for neuron in self.neurons]
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [p for neuron in self.neurons for p in neuron.parameters()]
        ### END SOLUTION


class MLP:
    def __init__(self, nin, nouts):
        ### BEGIN SOLUTION
        sizes = [nin, *nouts]
        self.layers = []
        for i in range(len(nouts)):
            last = i == len(nouts) - 1
            self.layers.append(Layer(sizes[i], sizes[i + 1], linear=last))
        ### END SOLUTION

    def __call__(self, xs):
        ### BEGIN SOLUTION
        for layer in self.layers:
            xs = layer(xs)
        return xs[0] if len(xs) == 1 else xs
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [p for layer in self.layers for p in layer.parameters()]
        ### END SOLUTION
