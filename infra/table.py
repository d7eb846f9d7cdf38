"""A DynamoDB table."""

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.component import Component
from infra.function import Platform


class Table(Component):
    """A team keeps items by key, and pays for each request (on-demand capacity).

    `key` is the partition key, such as `sub`, and `sort_key` orders the items below it; both are text. DynamoDB deletes
    an item some time after the moment in its attribute `expires`, in seconds since 1970. Where the setting `protect` is
    on, a table without `expires` can be restored to any second of the last 35 days and is not deleted.
    """

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        key: str,
        sort_key: str | None = None,
        expires: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the table. Another key makes another table, without the items of this one."""
        super().__init__("Table", name, opts)
        kept = platform.protect and expires is None
        table = aws.dynamodb.Table(
            f"{name}-table",
            billing_mode="PAY_PER_REQUEST",
            attributes=[{"name": attribute, "type": "S"} for attribute in (key, sort_key) if attribute],
            hash_key=key,
            range_key=sort_key,
            ttl={"attribute_name": expires, "enabled": True} if expires else None,
            point_in_time_recovery={"enabled": True} if kept else None,
            deletion_protection_enabled=kept,
            opts=pulumi.ResourceOptions(parent=self, protect=kept),
        )
        self.name = table.name
        self.arn = table.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def read(self) -> pulumi.Output[policies.Statement]:
        """GetItem, BatchGetItem and Query: the permission to read items by key."""
        return self.arn.apply(policies.read_items)

    def read_write(self) -> pulumi.Output[policies.Statement]:
        """Return the permission to read, put, update and delete items by key."""
        return self.arn.apply(policies.read_write_items)
