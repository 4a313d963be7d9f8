def convolve(image, kernel):
    kh, kw = len(kernel), len(kernel[0])

    def at(i, j):
        return sum(
            k * image[i + a][j + b] for a, row in enumerate(kernel) for b, k in enumerate(row)
        )

    return [[at(i, j) for j in range(len(image[0]) - kw + 1)] for i in range(len(image) - kh + 1)]
