"""fedsim: a discrete-event simulator of federated (multi-task) learning systems."""
