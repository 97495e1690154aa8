"""What is kept of calls: the transcript without keys, and cassettes that replay a run."""
