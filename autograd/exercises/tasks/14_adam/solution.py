import math


class Momentum:
    def __init__(self, parameters, lr, momentum=0.9):
        self.parameters = list(parameters)
        self.lr = lr
        self.momentum = momentum
        self.v = [0.0] * len(self.parameters)

    def step(self):
        ### BEGIN SOLUTION
        for i, p in enumerate(self.parameters):
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data -= self.lr * self.v[i]
        ### END SOLUTION


class Adam:
    def __init__(self, parameters, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        self.parameters = list(parameters)
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = [0.0] * len(self.parameters)
        self.s = [0.0] * len(self.parameters)
        self.t = 0

    def step(self):
        ### BEGIN SOLUTION
        self.t += 1
        for i, p in enumerate(self.parameters):
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * p.grad
            self.s[i] = self.beta2 * self.s[i] + (1 - self.beta2) * p.grad**2
            mean = self.m[i] / (1 - self.beta1**self.t)
            square = self.s[i] / (1 - self.beta2**self.t)
            p.data -= self.lr * mean / (math.sqrt(square) + self.eps)
        ### END SOLUTION
