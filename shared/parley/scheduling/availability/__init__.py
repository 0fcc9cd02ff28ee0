"""When somebody can be met: schedules, rules, time zones and DST, conflicts, open slots. Nothing here takes a booking."""
