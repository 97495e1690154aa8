"""Programs that run as PID 1 in containers, by plain python3 without any dependency."""
