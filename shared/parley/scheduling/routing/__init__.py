"""Routing forms: questions whose answers lead to an event type, and what was submitted."""
