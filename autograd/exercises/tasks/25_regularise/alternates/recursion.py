import autograd


def l2_penalty(parameters, strength):
    ps = list(parameters)
    return autograd.dot(ps, ps) * strength


def stop_early(losses, patience):
    ahead = losses[1 : patience + 1]
    for k, loss in enumerate(ahead, 1):
        if loss < losses[0]:
            return k + stop_early(losses[k:], patience)
    return 0
