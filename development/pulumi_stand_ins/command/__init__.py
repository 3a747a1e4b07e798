"""The command plugin: programs and files on a node, over SSH."""
