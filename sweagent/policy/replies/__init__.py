"""From a provider's reply to actions, and back to messages."""
