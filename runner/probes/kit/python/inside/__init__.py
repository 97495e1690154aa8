"""Programs that are sent into sandboxes; the host never runs them."""
