"""Other methods for one thing, whatever its class."""


def instead(thing, **methods):
    """From now on the thing does this by these names, in place of what its class says; no other one does."""
    own = {name: staticmethod(method) for name, method in methods.items()}
    thing.__class__ = type(type(thing).__name__, (type(thing),), {"__slots__": (), **own})
