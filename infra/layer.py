"""The Lambda layer with the third-party packages of the handlers."""

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
        """Declare the layer version. Only handlers/requirements.txt, the runtime or the architecture changes it."""
        super().__init__("Layer", name, opts)
        version = aws.lambda_.LayerVersion(
            f"{name}-version",
            # Pulumi's autonaming skips layers, and the deploy role allows only names that begin with project-stack.
            layer_name=f"{names.stack()}-{name}",
            code=pulumi.FileArchive(str(packaging.layer_zip(runtime, architecture))),
            compatible_runtimes=[runtime],
            compatible_architectures=[architecture],
            opts=self._child,
        )
        self.arn = version.arn
        self.register_outputs({"arn": self.arn})
