"""Downloads of package managers and of the runner: only from the allow-list, each recorded."""
