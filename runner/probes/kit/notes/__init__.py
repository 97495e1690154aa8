"""What a user of a notes program on the command line does, and what should come of it."""
