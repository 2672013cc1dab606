"""The command line: commands, the terminal conversation, and their output."""
