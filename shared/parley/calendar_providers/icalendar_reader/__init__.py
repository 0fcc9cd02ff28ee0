"""Reads iCalendar (RFC 5545) that strangers wrote: components, events, recurrence, time zones. Knows no provider and no network."""
