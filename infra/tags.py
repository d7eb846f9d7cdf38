"""Which project and which stack a resource belongs to."""

from collections.abc import Mapping

import pulumi


def tag_everything(tags: Mapping[str, str]) -> None:
    """Give these tags to whatever is declared from here on, where AWS can tag it."""

    def tagged(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if "tags" not in args.props:
            return None
        return pulumi.ResourceTransformationResult({**args.props, "tags": dict(tags)}, args.opts)

    pulumi.runtime.register_stack_transformation(tagged)
