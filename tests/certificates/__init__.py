"""Certificates issued, renewed and replaced by the real engine, and checked by openssl and real API servers."""
