"""How the chain of events that decided a run's time is followed back through its record."""
