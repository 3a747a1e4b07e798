"""The tls plugin: keys and certificates, which exist only in the stack's state."""
