"""Programs that run inside a sandbox, by plain python3; never imported."""
