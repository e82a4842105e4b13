"""Turn a provider's reply into actions, and actions into messages."""
