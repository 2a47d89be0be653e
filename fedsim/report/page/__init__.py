"""A page for people, made of a folder of results."""
