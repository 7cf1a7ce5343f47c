"""The form in which the audit log is sealed and exported, and how it is checked without the gateway."""
