"""The stack's configuration: read once, checked completely. Nothing else in the program reads it.

`load` turns the values of the `kube-proxy:` keys into frozen `Settings`: defaults are filled in, files are read, and
each node has the fleet's values merged with its own. Or it raises `SettingsError` with every problem of the stack.
The rest of the program needs no further checks.
"""

from settings.binary import Architecture as Architecture
from settings.binary import Binary as Binary
from settings.certificate_authority import CAWithKey as CAWithKey
from settings.certificate_authority import CertificateAuthoritySettings as CertificateAuthoritySettings
from settings.certificate_authority import GeneratedCA as GeneratedCA
from settings.certificate_authority import KubernetesSigner as KubernetesSigner
from settings.kube_proxy_configuration import KubeProxyConfiguration as KubeProxyConfiguration
from settings.kube_proxy_configuration import Mode as Mode
from settings.kube_proxy_configuration import NodeConfiguration as NodeConfiguration
from settings.load import Settings as Settings
from settings.load import load as load
from settings.nodes import NodeSettings as NodeSettings
from settings.problems import Kind as Kind
from settings.problems import Problem as Problem
from settings.problems import SettingsError as SettingsError
from settings.ssh import SSH as SSH
from settings.stack import BinarySource as BinarySource
from settings.stack import ClientCertificateSettings as ClientCertificateSettings
from settings.stack import Cluster as Cluster
from settings.stack import KeyAlgorithm as KeyAlgorithm
from settings.stack import RolloutSettings as RolloutSettings
from settings.stack import Service as Service
from settings.stack import Subject as Subject
