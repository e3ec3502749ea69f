"""One file a page; each is a `Page` that the registry in `app` names."""
