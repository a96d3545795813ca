"""What is added to rows from outside the log: places, autonomous systems, parsed user agents.

Each module takes the distinct values of a chunk and gives an Arrow table to join on `text`. None
of them asks anything over the network, except `geoip_update`, which a command names.
"""
