# A neighbour: a length in metres that can be added, and keeps its history as text.
class Length:
    def __init__(self, metres, story=""):
        self.metres = metres
        self.story = story or f"{metres} m"

    def __add__(self, other):
        return Length(self.metres + other.metres, f"({self.story} + {other.story})")


total = Length(2) + Length(3)
total.metres, total.story  # (5, '(2 m + 3 m)')
