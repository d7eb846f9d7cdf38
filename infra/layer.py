"""The Lambda layer with what handlers import from PyPI."""

import pulumi
import pulumi_aws as aws

from infra import packaging


class Layer(pulumi.ComponentResource):
    """A handler finds the packages that it imports, built for the machine that runs it.

    Only functions whose handler needs a package are given the layer; a handler that needs none starts faster without.
    """

    def __init__(
        self, name: str, *, runtime: str, architecture: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare a version of the layer; it changes only with handlers/requirements.txt, runtime or architecture."""
        super().__init__("kakao-login:infra:Layer", name, opts=opts)
        version = aws.lambda_.LayerVersion(
            f"{name}-version",
            # Versions have no names of their own to go by: a deployment's role knows its layer by the stack's.
            layer_name=f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}",
            code=pulumi.FileArchive(str(packaging.layer_zip(runtime, architecture))),
            compatible_runtimes=[runtime],
            compatible_architectures=[architecture],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = version.arn
        self.register_outputs({"arn": self.arn})
