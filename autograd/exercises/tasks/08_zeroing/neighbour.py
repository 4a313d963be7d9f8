# A neighbour: counting votes in halls over two days. The totals add up from day to day; the
# tellers' slips are only for one day, so each count starts on a clean slip.
totals = {"hill": 0, "river": 0}


def count(day):
    for hall, votes in day.items():
        slip = 0  # afresh
        for vote in votes:
            slip += vote
        totals[hall] += slip  # added


count({"hill": [1, 1], "river": [1]})
count({"hill": [1], "river": [1, 1]})
totals  # {'hill': 3, 'river': 3}
