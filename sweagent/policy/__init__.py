"""Who decides: litellm, replay, scripted and human policies behind one protocol."""
