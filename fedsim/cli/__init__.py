"""The command line. What is slow to import is imported by the command that needs it."""

from fedsim.cli.app import app, main

__all__ = ["app", "main"]
