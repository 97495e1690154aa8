"""Programs that adapters run inside the sandbox; never imported by the runner."""
