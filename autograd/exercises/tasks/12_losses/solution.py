def mse(predictions, targets):
    """The mean of the squared differences."""
    ### BEGIN SOLUTION
    total = 0
    for p, t in zip(predictions, targets):
        total = total + (p - t) ** 2
    return total / len(targets)
    ### END SOLUTION


def cross_entropy(logits, target):
    """Minus the log of the probability that softmax(logits) gives to the class `target`."""
    ### BEGIN SOLUTION
    top = max(v.data for v in logits)
    total = 0
    for v in logits:
        total = total + (v - top).exp()
    return total.log() - (logits[target] - top)
    ### END SOLUTION
