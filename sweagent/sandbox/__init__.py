"""Where commands run: docker, bubblewrap and local sandboxes behind one protocol."""
