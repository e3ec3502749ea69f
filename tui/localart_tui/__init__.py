"""The terminal browser (not built yet)."""
