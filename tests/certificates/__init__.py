"""The life of certificates: issued, renewed, replaced by the real engine, and what openssl and the API servers say."""
