# A neighbour: x = Value(3.0), y = x * x, z = y + x, and z.backward(), worked out by hand.
def gradients_of_neighbour():
    z = 1.0
    y = 1.0 * z  # in a sum each gets what arrives
    x = 1.0 * z + 3.0 * y + 3.0 * y  # from z, and twice from y
    return {"x": x, "y": y, "z": z}


gradients_of_neighbour()  # {'x': 7.0, 'y': 1.0, 'z': 1.0}
