# A neighbour: look for the square root of 2 until the error is small, at most 50 rounds.
def root_of_two(goal, most=50):
    x, errors = 1.0, []
    for _ in range(most):
        errors.append(abs(x * x - 2))
        if errors[-1] <= goal:
            break
        x -= 0.2 * (x * x - 2)
    return x, errors


root_of_two(0.01)[0]  # 1.41...
