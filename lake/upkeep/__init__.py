"""What keeps a lake: compact, verify, rebuild, forget, and what happens to files nobody reads."""
