"""Base images, and what of this machine is put into them."""
