"""The facts that the program, its Lambdas, the edge functions, the doctor and the tests share. Imports nothing.

A route, a cookie's name, a header, an environment variable, a limit: each stands here once.
"""

# The identity provider, by the name that the user pool and the login link give it.
PROVIDER = "Kakao"
# How a browser signs in with Kakao: through Cognito's hosted login, or at Kakao itself.
HOSTED, DIRECT = "hosted", "direct"
NATIVE_PROVIDER = "Cognito"  # the name that Cognito gives users of its own
# User names: `kakao-<id>` where a user came with a Kakao token first, `kakao_<id>` where through the hosted login.
KAKAO_USERNAME_PREFIX = "kakao-"
KAKAO_ID_PATTERN = "[1-9][0-9]{0,18}"  # a regular expression for the whole of a Kakao ID, at most 2**63 - 1
# Not aws.cognito.signin.user.admin: with that scope a page could change its user's profile.
SCOPES = ("openid", "email", "profile")

# HTTP API: "METHOD /path", as API Gateway names routes.
LOGIN = "GET /api/auth/login"
CALLBACK_PATH = "/api/auth/callback"
CALLBACK = f"GET {CALLBACK_PATH}"
MISSING_FILE_PATH = "/api/auth/missing"  # CloudFront asks here for the page of a file that the bucket does not have
MISSING_FILE = f"GET {MISSING_FILE_PATH}/{{file+}}"
REFRESH = "POST /api/auth/refresh"
LOGOUT = "POST /api/auth/logout"
SIGN_UP = "POST /api/auth/sign-up"
CONFIRM = "POST /api/auth/confirm"
RESEND_CODE = "POST /api/auth/resend-code"
SIGN_IN = "POST /api/auth/sign-in"
FORGOT_PASSWORD = "POST /api/auth/forgot-password"  # noqa: S105 - a route
RESET_PASSWORD = "POST /api/auth/reset-password"  # noqa: S105 - a route
KAKAO_SIGN_IN = "POST /api/auth/kakao"
KAKAO_USER_INFO = "GET /api/kakao/userinfo"  # Cognito asks here for the claims of a Kakao user
KAKAO_AUTHORIZE = "GET /api/kakao/authorize"  # Cognito sends the browser here, on its way to Kakao
KAKAO_LOGOUT = "GET /api/kakao/logout"  # only where a sign-out may end the session at Kakao too
USER_INFO = "GET /api/userinfo"
LOGIN_ROUTES = (LOGIN, CALLBACK)
# The session's function serves these only where there is a hosted login.
HOSTED_ROUTES = (*LOGIN_ROUTES, KAKAO_AUTHORIZE)
SESSION_ROUTES = (LOGIN, KAKAO_AUTHORIZE, CALLBACK, MISSING_FILE, REFRESH, LOGOUT)
MAILING_ROUTES = (SIGN_UP, RESEND_CODE, FORGOT_PASSWORD)  # each request can make Cognito send a mail
ACCOUNT_ROUTES = (SIGN_UP, CONFIRM, RESEND_CODE, SIGN_IN, FORGOT_PASSWORD, RESET_PASSWORD)

API_PATH = "/api"  # of every HTTP route
AUTH_PATH = "/api/auth"  # of the routes that begin, renew and end sessions
KAKAO_PATH = "/api/kakao"  # of the routes between Cognito and Kakao; none takes a token of ours
WEBSOCKET_PATH = "/ws"  # the stage of the WebSocket API has this name, so CloudFront needs no origin path

# CloudFront takes certificates and WAF's rules of this region only, its metrics are there, and so must their topics be.
CLOUDFRONT_REGION = "us-east-1"

# Paths of Cognito's hosted login.
AUTHORIZE_PATH = "/oauth2/authorize"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
REVOKE_PATH = "/oauth2/revoke"
IDP_RESPONSE_PATH = "/oauth2/idpresponse"  # where an identity provider sends the browser back

# Cookies. A browser takes a `__Host-` cookie only from the host itself, for all paths, over TLS.
ID_COOKIE = "__Host-id"
USER_COOKIE = "__Host-person"
REFRESH_COOKIE = "__Secure-refresh"
LOGIN_COOKIE_PREFIX = "__Host-login-"
MAX_COOKIE_BYTES = 4096  # RFC 6265 section 6.1; browsers drop a larger cookie without a word
MAX_HEADER_BYTES = 10_240  # API Gateway's limit for the request line and all headers together

# What a team can map to attributes of the user pool (setting `kakaoAttributes`), each with the scopes at Kakao.
KAKAO_CONSENTS = {
    "age_range": ("age_range",),
    "birthdate": ("birthyear", "birthday"),
    "birthday": ("birthday",),
    "birthyear": ("birthyear",),
    "ci": ("account_ci",),
    "gender": ("gender",),
    "name": ("name",),
    "phone_number": ("phone_number",),
    "picture": ("profile_image",),
}

# Headers of ours, in lower case.
SESSION_EXPIRES_IN = "session-expires-in"

# Limits, in characters unless a comment names another unit.
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 256
MAX_USERNAME_LENGTH = 128  # Cognito's limit (UsernameType); the user name of an account with e-mail is the e-mail
MAX_TOKEN_LENGTH = 8192  # of a JWT
MAX_REFRESH_TOKEN_LENGTH = 4096
MAX_CODE_LENGTH = 2048
MAX_BODY_BYTES = 16 * 1024  # of a request to the HTTP API
CLOCK_SKEW_SECONDS = 30  # by which the clocks of Lambda and of an issuer may differ

# The claim `token_use`, by which Cognito tells an ID token from an access token.
TOKEN_USE_CLAIM = "token_use"  # noqa: S105 - a claim
TOKEN_USE_ID = "id"  # noqa: S105 - a claim
TOKEN_USE_ACCESS = "access"  # noqa: S105 - a claim
USERNAME_CLAIM = "cognito:username"  # of an ID token
GROUPS_CLAIM = "cognito:groups"  # of both tokens, absent where the user is in none

# The authorizer's context of a WebSocket connection. API Gateway takes text alone; an absent nickname is left out.
CONTEXT_SUB = "sub"
CONTEXT_USERNAME = "username"
CONTEXT_PROVIDER = "provider"
CONTEXT_EXPIRES_AT = "exp"  # seconds since 1970, when the ID token expires
CONTEXT_NICKNAME = "nickname"
CONTEXT_GROUPS = "groups"  # separated by spaces; left out where the user is in none

# Environment variables of the Lambdas.
ENV_ALLOWED_GROUPS = "ALLOWED_GROUPS"  # only of a function for some groups
ENV_APP_CLIENT_ID = "APP_CLIENT_ID"  # only where there is a client for mobile apps
ENV_AUTHORIZE_URL = "AUTHORIZE_URL"  # only where there is a hosted login
ENV_CHECKED_HANDLER = "CHECKED_HANDLER"  # only of a function for some groups
ENV_CLIENT_ID = "CLIENT_ID"
ENV_CLIENT_SECRET = "CLIENT_SECRET"  # noqa: S105 - the name of a variable
ENV_CONNECT_CHECKS_USER = "CONNECT_CHECKS_USER"
ENV_DIRECT_SIGN_IN = "DIRECT_SIGN_IN"  # only where users sign in at Kakao itself: no profile has a link
ENV_EMAIL_ACCOUNTS = "EMAIL_ACCOUNTS"
ENV_FIRST_SIGN_IN_TOPIC = "FIRST_SIGN_IN_TOPIC"  # only where the team has a function for it
ENV_GROUPS = "GROUPS"  # only where the setting `groups` names some
ENV_HAS_PUBLIC_CLIENT = "HAS_PUBLIC_CLIENT"
ENV_HOSTED_LOGIN_URL = "HOSTED_LOGIN_URL"  # only where there is a hosted login
ENV_ISSUER = "ISSUER"
ENV_JWKS_URL = "JWKS_URL"
ENV_KAKAO_API = "KAKAO_API"
ENV_KAKAO_APP_ID = "KAKAO_APP_ID"
ENV_KAKAO_APP_KEYS = "KAKAO_APP_KEYS"
ENV_KAKAO_ATTRIBUTES = "KAKAO_ATTRIBUTES"  # only where a team maps consents
ENV_KAKAO_AUTHORIZE_URL = "KAKAO_AUTHORIZE_URL"
ENV_KAKAO_CLIENT_ID = "KAKAO_CLIENT_ID"
ENV_KAKAO_CLIENT_SECRET = "KAKAO_CLIENT_SECRET"  # noqa: S105 - the name of a variable
ENV_KAKAO_ISSUER = "KAKAO_ISSUER"
ENV_KAKAO_JWKS_URL = "KAKAO_JWKS_URL"
ENV_KAKAO_LOGOUT_URL = "KAKAO_LOGOUT_URL"  # only where a sign-out may end the session at Kakao too
ENV_KAKAO_SCOPES = "KAKAO_SCOPES"
ENV_KAKAO_TOKEN_URL = "KAKAO_TOKEN_URL"  # noqa: S105 - the name of a variable
ENV_REFRESH_DAYS = "REFRESH_DAYS"
ENV_SITE_ORIGINS = "SITE_ORIGINS"
ENV_USER_POOL_ID = "USER_POOL_ID"

# Messages of log lines that alarms and the dashboard count.
LOG_SIGNED_IN = "signed_in"
LOG_NOT_SIGNED_IN = "not_signed_in"
LOG_NOT_REFRESHED = "not_refreshed"
LOG_REFUSED = "refused"
LOG_SIGN_UP = "sign_up"
LOG_CODE_NOT_SENT = "code_not_sent"
LOG_KAKAO_STATUS = "kakao_status_unexpected"
LOG_KAKAO_MISCONFIGURED = "kakao_misconfigured"


def path_of(route: str) -> str:
    """Return the path of a route, `/api/userinfo` of `GET /api/userinfo`."""
    return route.partition(" ")[2]
