"""What every service stands on: technique only, no business word in it."""
