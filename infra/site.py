"""The CloudFront distribution, which is the login's only address, and the bucket of the page."""

import base64
import hashlib
import json
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra import policies
from infra.alarms import Alarms, Metric
from infra.component import Component
from infra.content_security_policy import policy
from infra.domain import Domain
from infra.packaging import HANDLERS
from infra.page_files import RESERVED, asset, cache_control, client_modules, content_type, known_files, served_files

Origin = aws.cloudfront.DistributionOriginArgsDict

EDGE = Path(__file__).parent / "edge"
# The HTML of the error pages. It runs by its path: of handlers/, infra/ imports only the contract.
ERROR_PAGE: dict[str, Any] = runpy.run_path(str(HANDLERS / "error_page.py"))
AWS_FAILED = f"{RESERVED}/500.html"
MAX_ERROR_PERCENT = 5

STYLE_HASH = base64.b64encode(hashlib.sha256(ERROR_PAGE["STYLE"].encode()).digest()).decode()
STYLE = f"'sha256-{STYLE_HASH}'"
CONTENT_SECURITY_POLICY = policy(STYLE, {})
# AWS's managed policies have the same ids in every account.
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
TLS_ONLY: aws.cloudfront.DistributionOriginCustomOriginConfigArgsDict = {
    "http_port": 80,
    "https_port": 443,
    "origin_protocol_policy": "https-only",
    "origin_ssl_protocols": ["TLSv1.2"],
}
# CloudFront caches these errors for ten seconds by path, some of them whatever `cache-control` says (developer guide,
# "How CloudFront processes HTTP 4xx and 5xx status codes from your origin"). It takes no setting for 410, 412 and 415
# ("Create a custom error page for specific HTTP status codes"), and does not cache 416.
CACHED_ERRORS = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
# Lambda or API Gateway answers 500 and 503 in JSON, which a user may see. The login's functions answer neither.
ERROR_RESPONSES: list[aws.cloudfront.DistributionCustomErrorResponseArgsDict] = [
    {"error_code": status, "error_caching_min_ttl": 0, "response_code": status, "response_page_path": f"/{AWS_FAILED}"}
    if status in (500, 503)
    else {"error_code": status, "error_caching_min_ttl": 0}
    for status in CACHED_ERRORS
]


class Site(Component):
    """The page and the APIs have one address, so that cookies are first-party and no CORS is needed.

    `page` is the folder of the page, for which `content_security_policy` adds sources to the policy; its HTML says
    whether there are `email_accounts` and `kakao_logout`. `api_host` answers /api/* and `socket_host` /ws.
    `extra_origins` are other sites whose pages may use the APIs. Without `domain` the address is CloudFront's; `url` is
    the address at which browsers reach the site instead, unless it is empty.
    """

    def __init__(
        self,
        name: str,
        *,
        page: Path,
        content_security_policy: Mapping[str, Sequence[str]] | None = None,
        email_accounts: bool = True,
        kakao_logout: bool = False,
        api_host: pulumi.Input[str],
        socket_host: pulumi.Input[str],
        extra_origins: Sequence[str],
        protect: bool,
        url: str = "",
        domain: Domain | None = None,
        firewall_arn: pulumi.Input[str] | None = None,
        alarms: Alarms,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the bucket, which only the distribution reads, the distribution, and the files of the page."""
        super().__init__("Site", name, opts)

        self._added_sources = content_security_policy or {}
        files = served_files(page)
        modules = {key: code for key, code in client_modules().items() if key not in files}
        bucket = aws.s3.Bucket(name, force_destroy=True, opts=self._child)
        distribution = self._distribution(
            origins=[
                self._page_origin(bucket),
                {"origin_id": "api", "domain_name": api_host, "custom_origin_config": TLS_ONLY},
                # No origin path: /ws is itself the stage.
                {"origin_id": "socket", "domain_name": socket_host, "custom_origin_config": TLS_ONLY},
                {
                    "origin_id": "missing",
                    "domain_name": api_host,
                    "origin_path": contract.MISSING_FILE_PATH,
                    "custom_origin_config": TLS_ONLY,
                },
            ],
            files=[*files, *modules],
            extra_origins=[url, *extra_origins] if url else extra_origins,
            domain=domain,
            firewall_arn=firewall_arn,
            protect=protect,
        )
        self._grant_read(distribution, bucket)
        switches = {"email-accounts": email_accounts, "kakao-logout": kakao_logout}
        for key, file in files.items():
            self._object(bucket, key, content_type(file), **asset(file, switches))
        for key, code in modules.items():
            self._object(bucket, key, content_type(Path(key)), content=code)
        self._object(bucket, AWS_FAILED, "text/html; charset=utf-8", content=ERROR_PAGE["AWS_FAILED"])

        alarms.alarm(
            f"{name}-5xx",
            Metric("AWS/CloudFront", "5xxErrorRate", {"DistributionId": distribution.id, "Region": "Global"}),
            f"{MAX_ERROR_PERCENT} % of the site's answers are errors. "
            "If the alarm of the API is quiet, an edge function or an origin fails.",
            threshold=MAX_ERROR_PERCENT,
            statistic="Average",
            periods=3,  # with little traffic one error is a high percentage
            region=contract.CLOUDFRONT_REGION,
            parent=self,
        )
        self.host = (
            domain.point_to(distribution.domain_name, distribution.hosted_zone_id)
            if domain
            else distribution.domain_name
        )
        self.url = pulumi.Output.from_input(url) if url else pulumi.Output.concat("https://", self.host)
        self.register_outputs({"host": self.host, "url": self.url})

    def _page_origin(self, bucket: aws.s3.Bucket) -> Origin:
        access = aws.cloudfront.OriginAccessControl(
            self._name,
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child,
        )
        return {
            "origin_id": "page",
            "domain_name": bucket.bucket_regional_domain_name,
            "origin_access_control_id": access.id,
        }

    def _distribution(
        self,
        *,
        origins: list[Origin],
        files: Sequence[str],
        extra_origins: Sequence[str],
        domain: Domain | None,
        firewall_arn: pulumi.Input[str] | None,
        protect: bool,
    ) -> aws.cloudfront.Distribution:
        headers = self._response_headers(include_subdomains=domain is None)
        spa = self._edge_function("spa", files=known_files(files))
        jwt = self._edge_function("jwt", **jwt_constants(extra_origins))
        return aws.cloudfront.Distribution(
            f"{self._name}-distribution",
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class="PriceClass_200",  # the cheapest class with edge locations in Korea
            default_root_object="index.html",
            web_acl_id=firewall_arn,
            aliases=[domain.domain] if domain else None,
            origins=origins,
            # S3 answers 403 for a missing object. Other errors of S3 get the page of the error responses.
            origin_groups=[
                {
                    "origin_id": "page-or-missing",
                    "failover_criteria": {"status_codes": [403, 404]},
                    "members": [{"origin_id": "page"}, {"origin_id": "missing"}],
                }
            ],
            default_cache_behavior={
                "target_origin_id": "page-or-missing",
                "allowed_methods": ["GET", "HEAD"],
                "cached_methods": ["GET", "HEAD"],
                "cache_policy_id": CACHING_OPTIMIZED,
                "response_headers_policy_id": headers.id,
                "viewer_protocol_policy": "redirect-to-https",
                "compress": True,
                "function_associations": [{"event_type": "viewer-request", "function_arn": spa.arn}],
            },
            ordered_cache_behaviors=[
                _uncached_behavior(
                    f"{contract.API_PATH}/*",
                    to="api",
                    methods=["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
                    headers=headers,
                    function=jwt,
                ),
                _uncached_behavior(contract.WEBSOCKET_PATH, to="socket", methods=["GET", "HEAD"], headers=headers),
            ],
            custom_error_responses=ERROR_RESPONSES,
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate=(
                {
                    "acm_certificate_arn": domain.certificate_arn,
                    "ssl_support_method": "sni-only",
                    "minimum_protocol_version": "TLSv1.2_2021",
                }
                if domain
                else {"cloudfront_default_certificate": True}
            ),
            # A new distribution has another domain name.
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

    def _grant_read(self, distribution: aws.cloudfront.Distribution, bucket: aws.s3.Bucket) -> None:
        access_block = aws.s3.BucketPublicAccessBlock(
            f"{self._name}-closed",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketPolicy(
            f"{self._name}-readers",
            bucket=bucket.id,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(bucket.arn, distribution.arn).apply(
                    lambda arns: policies.document(policies.read_objects(*arns))
                )
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[access_block]),  # S3 refuses both at once
        )

    def _object(
        self,
        bucket: aws.s3.Bucket,
        key: str,
        content_type: str,
        *,
        source: pulumi.FileAsset | None = None,
        content: str | None = None,
    ) -> None:
        aws.s3.BucketObjectv2(
            f"{self._name}-{key}",
            bucket=bucket.id,
            key=key,
            source=source,
            content=content,
            content_type=content_type,
            cache_control=cache_control(key),
            opts=self._child,
        )

    def _edge_function(self, module: str, **constants: Any) -> aws.cloudfront.Function:
        """Declare edge/<module>.js as a CloudFront function, with these constants before its code."""
        return aws.cloudfront.Function(
            f"{self._name}-{module}",
            runtime="cloudfront-js-2.0",
            code=edge_code(module, **constants),
            publish=True,
            opts=self._child,
        )

    def _response_headers(self, *, include_subdomains: bool) -> aws.cloudfront.ResponseHeadersPolicy:
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-headers",
            security_headers_config={
                "content_security_policy": {
                    "content_security_policy": policy(STYLE, self._added_sources),
                    "override": True,
                },
                "content_type_options": {"override": True},
                "frame_options": {"frame_option": "DENY", "override": True},
                # override=False: the sign-in routes answer the stricter no-referrer.
                "referrer_policy": {"referrer_policy": "same-origin", "override": False},
                "strict_transport_security": {
                    "access_control_max_age_sec": 63072000,
                    # A team's own domain may have subdomains without TLS.
                    "include_subdomains": include_subdomains,
                    "override": True,
                },
            },
            custom_headers_config={
                "items": [
                    {"header": "Cross-Origin-Opener-Policy", "value": "same-origin", "override": True},
                    {"header": "Cross-Origin-Resource-Policy", "value": "same-origin", "override": True},
                    {
                        "header": "Permissions-Policy",
                        "value": "camera=(), geolocation=(), microphone=()",
                        "override": True,
                    },
                ]
            },
            opts=self._child,
        )


def jwt_constants(extra_origins: Sequence[str]) -> dict[str, Any]:
    """Return the constants of edge/jwt.js."""
    return {
        "openPaths": [f"{contract.AUTH_PATH}/", f"{contract.KAKAO_PATH}/"],
        "extraOrigins": [*extra_origins],
        "idCookie": contract.ID_COOKIE,
        "maxCookieBytes": contract.MAX_COOKIE_BYTES,
    }


def edge_code(module: str, **constants: Any) -> str:
    """Return the code of edge/<module>.js with these constants before it."""
    declared = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return declared + (EDGE / f"{module}.js").read_text()


def _uncached_behavior(
    path: str,
    *,
    to: str,
    methods: list[str],
    headers: aws.cloudfront.ResponseHeadersPolicy,
    function: aws.cloudfront.Function | None = None,
) -> aws.cloudfront.DistributionOrderedCacheBehaviorArgsDict:
    """Return the cache behavior that sends every request for this path to its origin."""
    return {
        "path_pattern": path,
        "target_origin_id": to,
        "allowed_methods": methods,
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHING_DISABLED,
        # Forwards cookies, Origin and Sec-WebSocket-*. API Gateway answers 403 to the viewer's Host header.
        "origin_request_policy_id": ALL_VIEWER_EXCEPT_HOST_HEADER,
        "response_headers_policy_id": headers.id,
        # A redirect would turn a POST into a GET.
        "viewer_protocol_policy": "https-only",
        "compress": True,
        "function_associations": [{"event_type": "viewer-request", "function_arn": function.arn}] if function else None,
    }
