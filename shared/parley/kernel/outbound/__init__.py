"""Requests that leave for others: the HTTP client with its guard against SSRF, and the event bus."""
