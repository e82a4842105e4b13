"""The blind judge: assertions evaluated where the code under test cannot reach them."""
