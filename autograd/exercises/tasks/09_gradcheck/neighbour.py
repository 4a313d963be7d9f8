from autograd import Value


# A neighbour: does f depend on each of its inputs? Push one input at a time, leave the others.
def depends_on(f, xs, push=1.0):
    answers = []
    for i in range(len(xs)):
        pushed = [x + push if j == i else x for j, x in enumerate(xs)]
        before = f(*[Value(x) for x in xs]).data
        after = f(*[Value(x) for x in pushed]).data
        answers.append(after != before)
    return answers


depends_on(lambda a, b, c: a * 2 + c, [1.0, 1.0, 1.0])  # [True, False, True]
