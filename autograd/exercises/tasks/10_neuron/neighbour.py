from autograd import Value


# A neighbour: a thermostat with one setting to learn. Calling an object calls its `__call__`.
class Thermostat:
    def __init__(self):
        self.wish = Value(20.0)

    def __call__(self, temperature):
        return (self.wish - temperature).relu()  # how much to heat

    def parameters(self):
        return [self.wish]


heating = Thermostat()(15.0)
heating.data  # 5.0
