def l2_penalty(parameters, strength):
    """strength times the sum of the squares, a Value."""
    ### BEGIN SOLUTION
    total = 0
    for p in parameters:
        total = total + p * p
    return total * strength
    ### END SOLUTION


def stop_early(losses, patience):
    """The best round before `patience` rounds in a row were no better."""
    ### BEGIN SOLUTION
    best = 0
    for i, loss in enumerate(losses):
        if loss < losses[best]:
            best = i
        if i - best >= patience:
            break
    return best
    ### END SOLUTION
