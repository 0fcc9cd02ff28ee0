"""Adapters of calendar providers: Google, Microsoft, CalDAV, ICS. They have a network and no database, and speak with the rest by
provider_protocol.
"""
