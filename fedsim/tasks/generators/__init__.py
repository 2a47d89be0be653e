"""Data made by rule and by chance, on devices from the start; one generator in each file."""
