"""What a reader chose to see: fields, filters and searches as SQL."""
