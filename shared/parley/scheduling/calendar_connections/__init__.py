"""Members' accounts at providers of calendars: consent, tokens, health, which of their calendars count."""
