"""The kubernetes plugin, for certificate requests only. It follows the source of pulumi-kubernetes 4.32."""
