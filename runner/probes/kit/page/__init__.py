"""What a browser gets: markup, scripts, Stimulus, Turbo."""
