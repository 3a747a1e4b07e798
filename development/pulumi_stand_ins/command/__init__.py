"""The command plugin: commands and files on a host, over SSH."""
