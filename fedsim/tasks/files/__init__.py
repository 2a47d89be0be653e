"""Data sets from files in a folder, each format in a module of its own."""
