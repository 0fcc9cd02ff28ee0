"""Messages that organizations define themselves: triggers, reminders, recipients, previews, webhooks, retries."""
