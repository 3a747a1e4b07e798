"""Everything that developers of this project need and its users don't. The product imports nothing from here.

`lab` runs workers and a control plane on this machine, `toolchain` builds the tools that they need, `pulumi_stand_ins`
replaces the parts of Pulumi that no package registry has, `bench` measures the program on fleets. The modules in this
directory are shared by the four.
"""
