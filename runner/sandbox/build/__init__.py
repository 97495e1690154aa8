"""Images of produced repositories, made and run by our own steps, never by the engine's own builder."""
