# A neighbour: the running mean of a temperature, made up for its start at 0.
class RunningMean:
    def __init__(self, beta):
        self.beta, self.m, self.t = beta, 0.0, 0

    def see(self, x):
        self.t += 1
        self.m = self.beta * self.m + (1 - self.beta) * x
        return self.m / (1 - self.beta**self.t)


mean = RunningMean(0.5)
mean.see(20.0), mean.see(26.0)  # (20.0, 24.0)
