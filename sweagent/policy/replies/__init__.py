"""From a provider's reply to actions, and from the view to its messages."""
