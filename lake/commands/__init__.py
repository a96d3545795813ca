"""The commands of `lake`, and what they print."""
