"""Statistics over samples: what can be said of models, and how surely."""
