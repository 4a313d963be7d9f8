# A neighbour: money instead of gradients. A shop hands its takings on to its owners,
# to each according to a share, on top of what the owner holds already.
class Owner:
    def __init__(self):
        self.money = 0.0


class Shop:
    def __init__(self, owners, shares):
        self.takings, self.owners, self.shares = 0.0, owners, shares

    def hand_on(self):
        for owner, share in zip(self.owners, self.shares):
            owner.money += share * self.takings


ann, bob = Owner(), Owner()
shop = Shop((ann, bob, bob), (0.5, 0.3, 0.2))  # bob holds two shares
shop.takings = 100.0
shop.hand_on()
ann.money, bob.money  # (50.0, 50.0)
