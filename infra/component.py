"""The base class of all components."""

import pulumi

from infra import names, previous_names

# Their `tags` are no map of names to values.
OTHER_TAGS = ("aws:autoscaling/group:Group", "aws:devopsguru/resourceCollection:ResourceCollection")


class Component(pulumi.ComponentResource):
    """A group of resources under one name. Every resource that AWS can tag has the tags `project` and `stack`.

    Children get `opts=self._child`, and their names begin with the component's name.
    """

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions | None) -> None:
        names.check_letters(name)
        outermost = not (opts and isinstance(opts.parent, Component))
        inherited = pulumi.ResourceOptions(transformations=[_tag, previous_names.add_aliases]) if outermost else None
        super().__init__(f"kakao-login:infra:{kind}", name, None, pulumi.ResourceOptions.merge(opts, inherited))
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)


def tag_everything() -> None:
    """Give both tags to each resource that the program declares from here on, whether a component has it or not."""
    pulumi.runtime.register_stack_transformation(_tag)


def _tag(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    if "tags" not in args.props or args.type_ in OTHER_TAGS or not args.type_.startswith("aws:"):
        return None  # AWS cannot tag this type, or it is of another provider
    tags = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}
    given = args.props["tags"]
    if given == tags:
        return None
    merged = pulumi.Output.from_input(given).apply(lambda own: {**own, **tags}) if given else tags
    return pulumi.ResourceTransformationResult({**args.props, "tags": merged}, args.opts)
