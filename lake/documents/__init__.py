"""Rows -> the documents that an OpenSearch of logs has."""
