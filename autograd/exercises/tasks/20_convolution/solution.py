def convolve(image, kernel):
    """The kernel at every place of the image: the sum of products."""
    ### BEGIN SOLUTION
    height, width = len(kernel), len(kernel[0])
    rows, columns = len(image) - height + 1, len(image[0]) - width + 1
    out = []
    for i in range(rows):
        out.append([])
        for j in range(columns):
            total = 0
            for a in range(height):
                for b in range(width):
                    total = total + image[i + a][j + b] * kernel[a][b]
            out[i].append(total)
    return out
    ### END SOLUTION
