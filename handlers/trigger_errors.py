"""The errors of Cognito's triggers. Cognito shows the text of an exception to the user; each of these is fixed.

    TriggerError
    ├── SignUpRefusedError       PreSignUp refuses the sign-up
    ├── SignInRefusedError       PreAuthentication refuses the sign-in
    ├── PasswordRefusedError     a Kakao user set a password by e-mail; it has stopped working
    └── SessionsNotEndedError    the new password is set, but sessions of the old one may still be open

They are not in handlers/errors.py, so that a trigger loads little. A bug becomes bugs.UnexpectedError.
"""


class TriggerError(Exception):
    """The trigger fails on purpose, and Cognito with it."""


class SignUpRefusedError(TriggerError):
    """PreSignUp refuses the sign-up."""


class SignInRefusedError(TriggerError):
    """PreAuthentication refuses the sign-in."""


class PasswordRefusedError(TriggerError):
    """A Kakao user set a password by e-mail. It has stopped working."""


class SessionsNotEndedError(TriggerError):
    """The new password is set, but sessions of the old one may still be open."""
