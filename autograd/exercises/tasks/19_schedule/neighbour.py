# A neighbour: a rate that is halved after every ten steps.
def halved(step, lr):
    return lr * 0.5 ** (step // 10)


halved(25, 0.8)  # 0.2
