"""Learning problems: data, models, losses and local solvers. Pure numerics, with no clock and no network."""
