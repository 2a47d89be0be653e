"""Rules by which rows are shared out, one in each file."""
