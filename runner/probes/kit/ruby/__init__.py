"""Ruby and ERB read as code: classes, calls, and what a receiver is."""
