"""What the lake holds, handed to others: rows as documents, and OpenSearch as a place for them."""
