"""Decides which Salesforce record a member is."""
