"""The distribution that is the login's one address, and the page that it shows."""

import base64
import hashlib
import json
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra import policies
from infra.alarms import US_EAST_1, Alarms, Metric
from infra.component import Component
from infra.domain import Domain
from infra.packaging import HANDLERS
from infra.page_files import RESERVED, asset, content_type, known_files, served_files

Origin = aws.cloudfront.DistributionOriginArgsDict

EDGE = Path(__file__).parent / "edge"
# The one source of the error pages' HTML. Run by its path, because infra/ imports nothing of handlers/.
ERROR_PAGE: dict[str, Any] = runpy.run_path(str(HANDLERS / "error_page.py"))
AWS_FAILED = f"{RESERVED}/500.html"
MAX_ERROR_PERCENT = 5

STYLE_HASH = base64.b64encode(hashlib.sha256(ERROR_PAGE["STYLE"].encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{STYLE_HASH}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
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
# CloudFront keeps these errors for ten seconds under the path alone, some of them whatever `cache-control` says
# (developer guide, "How CloudFront processes HTTP 4xx and 5xx status codes from your origin"). It takes no setting for
# 410, 412 and 415 ("Create a custom error page for specific HTTP status codes"), and does not keep 416.
KEPT = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
# A 500 or a 503 is not the API's own answer to a fault but Lambda's or the gateway's, in JSON; a user may see it.
ERRORS: list[aws.cloudfront.DistributionCustomErrorResponseArgsDict] = [
    {"error_code": status, "error_caching_min_ttl": 0, "response_code": status, "response_page_path": f"/{AWS_FAILED}"}
    if status in (500, 503)
    else {"error_code": status, "error_caching_min_ttl": 0}
    for status in KEPT
]


class Site(Component):
    """The page and the APIs have one address, so that cookies are first-party and no CORS is needed.

    `page` is the folder of the page; where there are no `email_accounts`, its HTML says so. `api_host` answers /api/*
    and `socket_host` /ws. `extra_origins` are other sites whose pages may use the APIs. Without `domain` the address is
    CloudFront's; `url` is the address at which browsers reach the site instead, unless it is empty.
    """

    def __init__(
        self,
        name: str,
        *,
        page: Path,
        email_accounts: bool = True,
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
        """Declare the bucket that only the distribution reads, the distribution, and the page's files."""
        super().__init__("Site", name, opts)

        files = served_files(page)
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
            files=[*files],
            extra_origins=[url, *extra_origins] if url else extra_origins,
            domain=domain,
            firewall_arn=firewall_arn,
            protect=protect,
        )
        self._let_read(distribution, bucket)
        for key, file in files.items():
            self._object(bucket, key, content_type(file), **asset(file, email_accounts=email_accounts))
        self._object(bucket, AWS_FAILED, "text/html; charset=utf-8", content=ERROR_PAGE["AWS_FAILED"])

        alarms.alarm(
            f"{name}-5xx",
            Metric("AWS/CloudFront", "5xxErrorRate", {"DistributionId": distribution.id, "Region": "Global"}),
            f"{MAX_ERROR_PERCENT} % of the site's answers are errors. "
            "If the alarm of the API is quiet, an edge function or an origin fails.",
            threshold=MAX_ERROR_PERCENT,
            statistic="Average",
            periods=3,  # at night one error may be a third of all answers
            region=US_EAST_1,
            parent=self,
        )
        self.host = (
            domain.lead_to(distribution.domain_name, distribution.hosted_zone_id)
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
            price_class="PriceClass_200",  # the cheapest that has Korea
            default_root_object="index.html",
            web_acl_id=firewall_arn,
            aliases=[domain.domain] if domain else None,
            origins=origins,
            # S3 answers 403 for what is not there, and where it fails itself, CloudFront's errors say so.
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
                _passed_on(
                    f"{contract.API_PATH}/*",
                    to="api",
                    methods=["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
                    headers=headers,
                    function=jwt,
                ),
                _passed_on(contract.WEBSOCKET_PATH, to="socket", methods=["GET", "HEAD"], headers=headers),
            ],
            custom_error_responses=ERRORS,
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
            # Made again, it has another address.
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

    def _let_read(self, distribution: aws.cloudfront.Distribution, bucket: aws.s3.Bucket) -> None:
        closed = aws.s3.BucketPublicAccessBlock(
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
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),  # S3 refuses to change both at once
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
            # Names carry no hash, so each load asks whether its copy is still the one.
            cache_control="no-cache",
            opts=self._child,
        )

    def _edge_function(self, module: str, **constants: Any) -> aws.cloudfront.Function:
        """Declare edge/<module>.js, in front of which these constants are declared."""
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
                    "content_security_policy": CONTENT_SECURITY_POLICY,
                    "override": True,
                },
                "content_type_options": {"override": True},
                "frame_options": {"frame_option": "DENY", "override": True},
                # The sign-in's own answers are stricter (no-referrer) and stay so.
                "referrer_policy": {"referrer_policy": "same-origin", "override": False},
                "strict_transport_security": {
                    "access_control_max_age_sec": 63072000,
                    # On a domain of the team's, what lies below the site is not the site's to decide.
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
    """Return what edge/jwt.js has to know."""
    return {
        "authPath": f"{contract.AUTH_PATH}/",
        "extraOrigins": [*extra_origins],
        "idCookie": contract.ID_COOKIE,
        "maxCookieBytes": contract.MAX_COOKIE_BYTES,
    }


def edge_code(module: str, **constants: Any) -> str:
    """Return the code of edge/<module>.js with these constants declared in front of it."""
    declared = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return declared + (EDGE / f"{module}.js").read_text()


def _passed_on(
    path: str,
    *,
    to: str,
    methods: list[str],
    headers: aws.cloudfront.ResponseHeadersPolicy,
    function: aws.cloudfront.Function | None = None,
) -> aws.cloudfront.DistributionOrderedCacheBehaviorArgsDict:
    """Have every request for this path answered by its origin."""
    return {
        "path_pattern": path,
        "target_origin_id": to,
        "allowed_methods": methods,
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHING_DISABLED,
        # Cookies, the Origin that they count for, Sec-WebSocket-*; the viewer's own Host would be a 403 at API Gateway.
        "origin_request_policy_id": ALL_VIEWER_EXCEPT_HOST_HEADER,
        "response_headers_policy_id": headers.id,
        # A redirect would turn a POST into a GET.
        "viewer_protocol_policy": "https-only",
        "compress": True,
        "function_associations": [{"event_type": "viewer-request", "function_arn": function.arn}] if function else None,
    }
