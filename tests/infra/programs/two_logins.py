"""Two logins in one stack; the second one in another region, through a provider of its own."""

import pulumi
import pulumi_aws as aws

from infra.inputs import KakaoAppArgs
from infra.kakao_login import KakaoLogin

KAKAO: KakaoAppArgs = {"client_id": "rest-api-key", "client_secret": "the-client-secret", "app_id": "1000001"}
PAGE = "tests/infra/page"
tokyo = aws.Provider("tokyo", region="ap-northeast-1")

login = KakaoLogin("login", {"kakao": KAKAO, "waf": True, "alarm_email": "team@example.com", "page": PAGE})
staff = KakaoLogin(
    "staff",
    {"kakao": KAKAO, "waf": True, "alarm_email": "team@example.com", "page": PAGE},
    pulumi.ResourceOptions(providers=[tokyo]),
)
pulumi.export("urls", [login.url, staff.url])
