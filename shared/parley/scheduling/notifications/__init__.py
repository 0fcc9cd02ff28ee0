"""What people are sent about bookings: mails, texts, iCalendar, claims that keep a message from leaving twice, quotas, templates,
consent of addresses.
"""
