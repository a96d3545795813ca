"""Records -> rows: a source's SELECT, what the engine adds, and the partition that each goes to."""
