from autograd import Value


# A neighbour: weight decay alone. Every parameter shrinks a little, whatever its gradient.
class Decay:
    def __init__(self, parameters, rate):
        self.parameters = list(parameters)
        self.rate = rate

    def step(self):
        for p in self.parameters:
            p.data *= 1 - self.rate


w = Value(2.0)
Decay([w], rate=0.1).step()
w.data  # 1.8
