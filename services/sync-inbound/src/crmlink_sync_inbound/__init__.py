"""Sees every change in Salesforce, once, in order."""
