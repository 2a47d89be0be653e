"""Who talks to whom and when: coroutines that move messages and time, without arithmetic on weights."""
