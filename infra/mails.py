"""The mails that Cognito sends to users, each in Korean and English: Cognito does not know a user's language."""

from html import escape


def code_subject(service_name: str) -> str:
    """Return the subject of a mail with a code. Cognito takes at most 140 characters."""
    return f"{f'[{service_name}] ' if service_name else ''}인증 코드 / Verification code"


def code_message(service_name: str) -> str:
    """Return the HTML of a mail with a code; Cognito puts the code in place of {####}."""
    name = escape(service_name)
    korean = f"{name} 인증 코드예요." if name else "인증 코드예요."
    english = f"Your verification code for {name}:" if name else "Your verification code:"
    return (
        f"<p>{korean}<br>{english}</p>"
        "<p><strong>{####}</strong></p>"
        "<p>코드를 다른 사람에게 알려 주지 마세요. 요청하지 않았다면 이 메일은 무시해도 돼요.<br>"
        "Share this code with nobody. If you did not ask for it, ignore this mail.</p>"
    )
