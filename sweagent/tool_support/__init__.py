"""What the tools share: places in the sandbox, bounded texts, what came of a command, and the writing of changes."""
