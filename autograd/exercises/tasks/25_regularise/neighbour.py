# A neighbour: how long is the first run of equal letters?
def first_run(text):
    length = 0
    for letter in text:
        if letter != text[0]:
            break
        length += 1
    return length


first_run("aaab")  # 3
