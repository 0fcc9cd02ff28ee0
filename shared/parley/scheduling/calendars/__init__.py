"""Members' connected calendars: consent, sync, push subscriptions, live busy times, and the events that we write there."""
