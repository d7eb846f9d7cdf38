"""The Lambda layer with what handlers import from PyPI."""

import pulumi
import pulumi_aws as aws

from infra import names, packaging
from infra.component import Component


class Layer(Component):
    """The third-party packages of handlers/requirements.txt, built for the runtime and the architecture.

    Only functions that import one get the layer; the others start faster without it.
    """

    def __init__(
        self, name: str, *, runtime: str, architecture: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare a version of the layer; it changes only with handlers/requirements.txt, runtime or architecture."""
        super().__init__("Layer", name, opts)
        version = aws.lambda_.LayerVersion(
            f"{name}-version",
            # Pulumi's autonaming knows no layers; the deploy role is confined to names that begin with the stack's.
            layer_name=f"{names.stack()}-{name}",
            code=pulumi.FileArchive(str(packaging.layer_zip(runtime, architecture))),
            compatible_runtimes=[runtime],
            compatible_architectures=[architecture],
            opts=self._child,
        )
        self.arn = version.arn
        self.register_outputs({"arn": self.arn})
