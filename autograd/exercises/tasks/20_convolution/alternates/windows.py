import autograd


def convolve(image, kernel):
    flat = [k for row in kernel for k in row]
    h, w = len(kernel), len(kernel[0])
    out = []
    for top in range(len(image) - h + 1):
        rows = image[top : top + h]
        out.append(
            [
                autograd.dot([p for row in rows for p in row[left : left + w]], flat)
                for left in range(len(image[0]) - w + 1)
            ]
        )
    return out
