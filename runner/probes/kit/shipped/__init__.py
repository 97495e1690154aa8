"""How a produced repository ships itself: its Dockerfile and compose file vetted, carried out, run."""
