"""Rooms: what can be subscribed to of them already; the rest is to come."""
