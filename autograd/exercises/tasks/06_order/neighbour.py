# A neighbour: walk through folders within folders and list each one once, the outer one first.
# (For the topological order something must change: when is a node written down?)
def all_folders(folder, listed):
    if folder not in listed:
        listed.append(folder)
        for inner in TREE[folder]:
            all_folders(inner, listed)
    return listed


TREE = {
    "home": ["music", "photos"],
    "music": [],
    "photos": ["2025", "2026"],
    "2025": [],
    "2026": [],
}
all_folders("home", [])  # ['home', 'music', 'photos', '2025', '2026']
