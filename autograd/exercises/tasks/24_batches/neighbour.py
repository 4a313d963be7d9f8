# A neighbour: a text in lines of a given width, the last may be shorter.
def lines(text, width):
    return [text[i : i + width] for i in range(0, len(text), width)]


lines("gradient", 3)  # ['gra', 'die', 'nt']
