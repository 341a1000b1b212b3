"""Fixtures for every package: real Apache Kafka and PostgreSQL on demand."""

pytest_plugins = ["crmlink_devstack.testing"]
