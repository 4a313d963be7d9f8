# A neighbour: machines one after the other, where each works on what the one before gave.
class Machine:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, xs):
        return [self.factor * x for x in xs]


class Plant:
    def __init__(self, factors):
        self.machines = [Machine(f) for f in factors]

    def __call__(self, xs):
        for machine in self.machines:
            xs = machine(xs)
        return xs


Plant([2, 3])([1, 10])  # [6, 60]
