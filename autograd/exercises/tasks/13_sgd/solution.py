class SGD:
    def __init__(self, parameters, lr):
        ### BEGIN SOLUTION
        self.parameters = list(parameters)
        self.lr = lr
        ### END SOLUTION

    def step(self):
        """Move every parameter a little against its gradient."""
        ### BEGIN SOLUTION
        for p in self.parameters:
            p.data -= self.lr * p.grad
        ### END SOLUTION

    def zero_grad(self):
        """Forget the gradients, before the next backward()."""
        ### BEGIN SOLUTION
        for p in self.parameters:
            p.grad = 0.0
        ### END SOLUTION
