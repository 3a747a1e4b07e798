"""The stand-ins behave like the official plugins: over gRPC, with a real sshd, and under the real engine."""
