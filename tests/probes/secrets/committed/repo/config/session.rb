config.api_token = "a8F3kL9mQ2xZ7vB4nC6wE1rT5yU0iO"
