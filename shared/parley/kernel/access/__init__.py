"""Who asks and whether they may: callers and their scopes, the check of a session or key at this moment, plans, tokens of known devices."""
