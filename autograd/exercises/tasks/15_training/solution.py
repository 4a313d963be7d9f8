def train(model, xs, ys, lr, goal, most):
    """Gradient descent until the loss is at most `goal`; the list of the losses."""
    ### BEGIN SOLUTION
    losses = []
    for _ in range(most):
        total = 0
        for x, y in zip(xs, ys):
            total = total + (model(x) - y) ** 2
        loss = total / len(xs)
        losses.append(loss.data)
        if loss.data <= goal:
            break
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= lr * p.grad
    return losses
    ### END SOLUTION
