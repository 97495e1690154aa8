"""What the checks of `deliverables` look for, by theme. Each function judges one statement."""
