"""For tests: an org, and a workspace of which capture sees the changes."""
