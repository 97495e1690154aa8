"""What probes of Python projects share: files read with `ast`, and containers to run them in."""
