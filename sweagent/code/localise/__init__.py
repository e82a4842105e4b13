"""Where an issue is likely to be fixed."""
