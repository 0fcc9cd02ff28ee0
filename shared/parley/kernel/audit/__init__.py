"""The audit trail: its tables, its one way of writing, and the kernel's own actions."""
