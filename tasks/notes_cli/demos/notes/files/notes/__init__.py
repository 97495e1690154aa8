"""Notes on the command line, kept in one JSON file."""
