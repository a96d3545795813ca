"""Dashboards without a browser: panels as data, what they are asked under, their figures."""
