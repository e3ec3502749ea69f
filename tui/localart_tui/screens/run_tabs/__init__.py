"""What the pages of runs are made of: the columns of the list, and a file for each tab of a run."""
