"""Reads networks in other people's formats; ``fedsim.system.imports.reader`` is the door."""
