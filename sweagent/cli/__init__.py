"""The fix-issue command."""
