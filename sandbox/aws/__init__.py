"""The emulated AWS account, and what the Pulumi program registers in it."""

from sandbox.aws.account import Account, NotApplicableError
from sandbox.aws.applier import RESTART, Applier

__all__ = ["RESTART", "Account", "Applier", "NotApplicableError"]
