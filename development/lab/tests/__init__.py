"""The lab's pieces with logic of their own; the whole lab is run by tests/lab."""
