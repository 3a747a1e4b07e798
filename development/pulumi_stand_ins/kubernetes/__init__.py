"""pulumi-kubernetes, for certificate requests: what the program asks of it, as plugin 4.32 answers (its source)."""
