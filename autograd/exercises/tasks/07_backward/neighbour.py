# A neighbour: how many ways lead from the start to each node of a graph? Here, too, each node
# hands something on to others, and may do so only when it has received all of it.
GRAPH = {"start": ["left", "right"], "left": ["end"], "right": ["left", "end"], "end": []}
ORDER = ["start", "right", "left", "end"]  # each before those that it hands on to

ways = dict.fromkeys(GRAPH, 0)
ways["start"] = 1
for node in ORDER:
    for after in GRAPH[node]:
        ways[after] += ways[node]

ways  # {'start': 1, 'left': 2, 'right': 1, 'end': 3}
