"""The audit trail: its tables, its one way of writing, and the catalogue of its actions."""
