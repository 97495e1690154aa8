"""From a sealed run's tree to evidence, and from evidence to scores."""
