def states(xs, w, u, b):
    """The states of a recurrent neuron, one after each x."""
    ### BEGIN SOLUTION
    state, found = 0.0, []
    for x in xs:
        state = (w * x + u * state + b).tanh()
        found.append(state)
    return found
    ### END SOLUTION
