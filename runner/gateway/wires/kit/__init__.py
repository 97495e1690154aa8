"""What wire formats share."""
