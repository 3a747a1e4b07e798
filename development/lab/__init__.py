"""The lab: what runs this project with nothing at hand.

It builds the tools that no package registry has ready (`toolchain`), makes worker nodes as virtual machines
(`node_image`, `qemu`, `node`) and gives them a control plane (`control_plane`). The product imports nothing of it.
"""
