"""What can be done with a repository, one verb a file: `def verb(repository, …) -> frozen record`."""
