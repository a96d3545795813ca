"""siem-lake."""
