# A neighbour: a running total that forgets half of itself in each step.
def fading(xs):
    total, totals = 0.0, []
    for x in xs:
        total = 0.5 * total + x
        totals.append(total)
    return totals


fading([4.0, 0.0, 2.0])  # [4.0, 2.0, 3.0]
