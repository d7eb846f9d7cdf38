"""Creates the resources of the Pulumi program in the emulated AWS, an empty, temporary account.

A later run of the program creates what is new, and changes what the tables at the end of `resources` have. It refuses
every other change, because the users and the data would be lost.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from pulumi.runtime import mocks

from sandbox import program
from sandbox.aws import resources
from sandbox.aws.account import Account, Inputs, NotApplicableError
from sandbox.aws.resources import CREATE, DELETE, LEFT_IN_PLACE, UPDATE, Created, content
from sandbox.program import plain

RESTART = "needs a restart of the sandbox"


class _Applied(NamedTuple):
    """A resource that exists: its inputs, a digest of each, and what AWS returned."""

    inputs: Inputs
    digests: dict[str, str]
    created: Created


class Applier(mocks.Mocks):
    """Creates each registered resource in the emulated AWS, and answers with its outputs."""

    def __init__(self, account: Account) -> None:
        """Take an empty account."""
        self._account = account
        self._applied: dict[tuple[str, str], _Applied] = {}  # by type and name
        self._registered: set[tuple[str, str]] = set()
        self._registering = threading.Lock()  # the program registers resources from several threads
        self.changed: list[str] = []  # names of the resources that the last run changed

    def run(
        self, *, stack: str, config: Mapping[str, Any], main: Path | Callable[[], object] = program.MAIN
    ) -> dict[str, Any]:
        """Run the program `main`, remove what it no longer registers, and return its exports.

        Raises the errors of `program.run`. The resources created until then stay.
        """
        self._registered.clear()
        self.changed.clear()
        exports = program.run(program.Monitor(self), stack=stack, config=config, program=main)
        # The last first: a rule can be deleted once its targets are.
        removed = [key for key in reversed(self._applied) if key not in self._registered]
        for kind, name in removed:
            if kind not in DELETE and kind not in LEFT_IN_PLACE:
                raise NotApplicableError(f"{kind} {name!r} was removed, which {RESTART}")
        for kind, name in removed:
            applied = self._applied.pop((kind, name))
            if kind in DELETE:
                DELETE[kind](self._account, applied.created.id, applied.inputs)
                self.changed.append(name)
        self.changed.sort()
        return exports

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, Inputs]:
        """Create or update the resource. A component has nothing to create."""
        key = args.typ, args.name
        self._register(key)
        if not args.custom:
            return "", {}
        if args.typ not in CREATE:
            raise NotApplicableError(
                f"the sandbox cannot apply {args.typ} ({args.name!r}): add it to {resources.__name__}"
            )
        inputs = plain(args.inputs)
        digests = {name: _digest(value) for name, value in inputs.items()}
        applied = self._applied.get(key)
        if applied is None or applied.digests != digests:
            try:
                created = self._update(key, applied, inputs, digests) if applied else self._create(key, inputs)
            except (NotApplicableError, BotoCoreError, ClientError) as error:
                raise NotApplicableError(f"{args.typ} {args.name!r}: {error}") from error
            applied = self._applied[key] = _Applied(inputs, digests, created)
            self.changed.append(args.name)
        return applied.created.id, inputs | {"id": applied.created.id} | applied.created.outputs

    def _register(self, key: tuple[str, str]) -> None:
        """Refuse a second resource of one type and name, as Pulumi does ("Duplicate resource URN").

        A URN has the types of the parents too, so Pulumi allows two below parents of different types.
        """
        with self._registering:
            if key in self._registered:
                kind, name = key
                raise NotApplicableError(
                    f"{kind.rpartition(':')[2]} {name!r} is declared twice: give one of them another name"
                )
            self._registered.add(key)

    def _create(self, key: tuple[str, str], inputs: Inputs) -> Created:
        kind, name = key
        return CREATE[kind](self._account, name, dict(inputs))

    def _update(self, key: tuple[str, str], applied: _Applied, inputs: Inputs, digests: dict[str, str]) -> Created:
        """Update the inputs that may change for this type."""
        different = {name for name, _ in applied.digests.items() ^ digests.items()}
        changeable, update = UPDATE.get(key[0], (frozenset(), None))
        if update is None or not different <= changeable:
            raise NotApplicableError(f"has another {', '.join(sorted(different - changeable))}, which {RESTART}")
        update(self._account, applied.created.id, dict(inputs), different)
        return applied.created

    def call(self, args: mocks.MockCallArgs) -> tuple[Inputs, list[tuple[str, str]]]:
        """Answer a look-up (invoke) of the program."""
        match args.token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": self._account.call("sts", "GetCallerIdentity", {})["Account"]}, []
            case "aws:index/getRegion:getRegion":
                return {"region": self._account.region}, []
        raise NotApplicableError(f"the sandbox cannot look up {args.token}: add it to {__name__}")


def _digest(value: Any) -> str:
    """Return a digest of a value. A file counts by its content."""
    plainly = json.dumps(value, sort_keys=True, default=lambda asset: hashlib.sha256(content(asset)).hexdigest())
    return hashlib.sha256(plainly.encode()).hexdigest()
