"""What a log source is: the folders of `transforms/`, and the row model that they fill."""
