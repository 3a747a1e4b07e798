"""`python -m commands.adopt`: ask nodes which kube-proxy runs on them, and write an equivalent stack.

    sources     the nodes, from an inventory, from kubectl or from the command line
    question    one question to a node over SSH (question.sh), which changes nothing there
    running     what the answer means: the configuration in force and where it comes from
    flags       kube-proxy's flags as fields of its configuration
    stack       the stack's values for all nodes, and what they can't express
    report      the stack's file, its comments, and what the first `pulumi up` will change

A node's answer is untrusted: it is limited in size, checked by the types of settings/, and never part of a command.
"""
