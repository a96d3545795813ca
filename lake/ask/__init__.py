"""What a reader asks beside the dashboards: rows, values, SQL of their own, as text and files."""
