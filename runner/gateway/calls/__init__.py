"""Model calls, from the agent's request to the reply it gets: admitted, tried, passed on."""
