"""Sandboxes: the Docker backend, its images and what runs inside as PID 1."""
