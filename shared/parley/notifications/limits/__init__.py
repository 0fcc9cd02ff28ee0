"""How much may be sent: to an address by anybody, by an organization in a day, to people who did not ask."""
