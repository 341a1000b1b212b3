"""OAuth: the web server flow, tokens and identity, as the org's own host offers them."""
