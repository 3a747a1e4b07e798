"""The lab: a Kubernetes cluster on this machine to which the project deploys.

Workers are virtual machines (`node_image`, `qemu`, `node`), or run user-mode Linux (`user_mode_node`), in a network
namespace (`network`) with a control plane (`control_plane`). Commands outside reach them by loopback addresses
(`loopback`).
"""
