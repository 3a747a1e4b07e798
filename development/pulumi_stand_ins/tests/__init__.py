"""The stand-ins answer as the official plugins do: over gRPC, against a real sshd, and under the real engine."""
