"""The process and its machine: start-up, workers, memory, cores, progress."""
