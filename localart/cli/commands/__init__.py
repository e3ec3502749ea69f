"""The commands, one file a verb or a small family. Nothing here is imported before it is called."""
