"""A Lambda layer with third-party packages, such as those of the handlers."""

from pathlib import Path

import pulumi
import pulumi_aws as aws

from infra import names, packaging
from infra.component import Component


class Layer(Component):
    """The packages that a requirements.txt pins with their hashes, built for the runtime and the architecture.

    Only functions that import one get the layer; the others start faster without it.
    """

    def __init__(
        self,
        name: str,
        *,
        runtime: str,
        architecture: str,
        requirements: str | Path | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the layer version. `requirements` is a file; without it, it is handlers/requirements.txt.

        Only that file, the runtime or the architecture changes the version.

        Raises OSError where `requirements` is missing, and CalledProcessError where pip finds no wheel.
        """
        super().__init__("Layer", name, opts)
        own = [Path(requirements)] if requirements else []
        version = aws.lambda_.LayerVersion(
            f"{name}-version",
            # Pulumi's autonaming skips layers, and the deploy role allows only names that begin with project-stack.
            layer_name=f"{names.stack()}-{name}",
            code=pulumi.FileArchive(str(packaging.layer_zip(runtime, architecture, *own))),
            compatible_runtimes=[runtime],
            compatible_architectures=[architecture],
            opts=self._child,
        )
        self.arn = version.arn
        self.register_outputs({"arn": self.arn})
