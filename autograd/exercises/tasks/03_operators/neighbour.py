# A neighbour: an angle that works with plain numbers of degrees on either side of +.
class Angle:
    def __init__(self, degrees):
        self.degrees = degrees

    def __add__(self, other):  # angle + other
        other = other if isinstance(other, Angle) else Angle(other)
        return Angle((self.degrees + other.degrees) % 360)

    def __radd__(self, other):  # other + angle, where other is a plain number
        return self + other


(90 + Angle(300)).degrees  # 30
