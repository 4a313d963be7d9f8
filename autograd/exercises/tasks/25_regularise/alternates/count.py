def l2_penalty(parameters, strength):
    return strength * sum(p**2 for p in parameters)


def stop_early(losses, patience):
    best, where, waited = float("inf"), 0, 0
    for i in range(len(losses)):
        if losses[i] < best:
            best, where, waited = losses[i], i, 0
        else:
            waited += 1
            if waited == patience:
                return where
    return where
