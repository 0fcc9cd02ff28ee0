"""The mails of identity: which event asks for which, and what they say."""
