"""What a person sees: words for numbers, tables, and a line that moves."""
