"""A Salesforce org on your own machine: it stands in for the real one."""
