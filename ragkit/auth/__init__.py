"""Who calls: API keys, bearer tokens, sessions, and what each may be used for."""
