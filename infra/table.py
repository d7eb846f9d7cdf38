"""A DynamoDB table."""

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.component import Component
from infra.function import Platform

MAX_ATTRIBUTE_NAME = 255  # bytes; DynamoDB, KeySchemaAttributeName
EXAMPLES = {"key": "sub", "sort_key": "id", "expires": "expires"}


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
        """Declare the table. Another key makes another table, without the items of this one.

        Raises ValueError for a key that DynamoDB refuses.
        """
        _check_keys(name, key, sort_key, expires)
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


def _check_keys(table: str, key: str, sort_key: str | None, expires: str | None) -> None:
    for what, attribute in (("key", key), ("sort_key", sort_key), ("expires", expires)):
        if attribute is None and what != "key":
            continue
        if not isinstance(attribute, str) or not 1 <= len(attribute.encode()) <= MAX_ATTRIBUTE_NAME:
            raise ValueError(
                f"{table!r} has {what}={attribute!r}: give the name of one attribute, such as {EXAMPLES[what]!r}"
            )
    if key in (sort_key, expires):
        raise ValueError(f"{table!r} has {key!r} as its key and once more: give the names of different attributes")
