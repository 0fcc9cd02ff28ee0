"""What goes between bookings and members' calendars: sync, push subscriptions, live busy times, and the events that we write there."""
