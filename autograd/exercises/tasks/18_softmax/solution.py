def softmax(logits):
    """The probabilities that belong to these scores."""
    ### BEGIN SOLUTION
    top = max(v.data for v in logits)
    exps = [(v - top).exp() for v in logits]
    total = sum(exps)
    return [e / total for e in exps]
    ### END SOLUTION
