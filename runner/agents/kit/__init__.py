"""What adapters of command-line agents share."""
