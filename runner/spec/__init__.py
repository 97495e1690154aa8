"""YAML and Jinja2 into Task, Rubric and Model records."""
