"""Single changes of a scenario, each of which ``fedsim whatif`` tries by itself."""
