"""The emulated AWS account, and the resources that the Pulumi program creates in it."""

from sandbox.aws.account import Account, NotApplicableError
from sandbox.aws.applier import RESTART, Applier

__all__ = ["RESTART", "Account", "Applier", "NotApplicableError"]
