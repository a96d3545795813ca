"""Where raw objects lie (folders, archives, buckets), and their bytes, whatever packed them."""
