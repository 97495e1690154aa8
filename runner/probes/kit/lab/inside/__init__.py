"""Programs that run inside the lab's helper sandbox, by plain python3; the runner sends them as text."""
