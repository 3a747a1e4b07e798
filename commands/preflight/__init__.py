"""`python -m commands.preflight`: run preflight on all nodes of a stack, and show which of them are ready.

    fleet       the stack's file, read without its CA, with the secrets that a login needs
    asking      one connection to each node, over which preflight runs; nothing stays there
    table       one table for the fleet, with each reason once

It is the preflight of `pulumi up`: the same scripts, parameters and files, over the same connections. What a node
prints is untrusted: it is limited in size and made printable.
"""
