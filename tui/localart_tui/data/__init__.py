"""The only rooms of the browser that talk to the library: what they give are records, bounded and read-only."""
