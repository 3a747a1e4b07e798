"""The files of a node as text, and requests for certificates: pure functions, which read and ask nothing.

"The guide", here and elsewhere, is the manual installation that this program replaces: cfssl, `kubectl config` and an
Ansible playbook. Its file locations and defaults are kept, so a kube-proxy installed by it can be taken over.
"""
