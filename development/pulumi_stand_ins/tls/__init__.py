"""The tls plugin: keys and certificates, kept in the stack's state."""
