"""The web console: pages from the server, live parts by plain scripts of our own."""
