// CloudFront function, viewer request, /api/*: copies the ID token from the cookie to the Authorization header, which the
// JWT authorizer reads. It does so only for requests of the site itself. The deployment declares `openPaths`,
// `extraOrigins`, `idCookie` and `maxCookieBytes` before this code.
//
// The token is sent once, as cookie or as bearer: API Gateway takes 10,240 bytes of request line and headers. No route
// below `openPaths` has the authorizer. Those below /api/auth/ read the cookies. One below /api/kakao/ sends its bearer
// to Kakao, which must not get a token of ours. `uri` is as the client wrote it, so /api/%6bakao/ is below it too.

const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;

function handler(event) {
  const request = event.request;
  const cookie = request.cookies[idCookie];
  if (isForTheAuthorizer(request) && isToken(cookie) && isFromTheSite(request)) {
    request.headers.authorization = { value: "Bearer " + cookie.value };
    delete request.cookies[idCookie];
  }
  return request;
}

function isForTheAuthorizer(request) {
  return !request.headers.authorization && !isOpen(request.uri);
}

// API Gateway may decode, merge slashes and resolve dots, in any order. The paths of the team's own routes may hold any
// of that after /api/<name>/.
function isOpen(uri) {
  const segments = decoded(decoded(uri)).split(/[/\\]+/).filter((segment) => segment && segment !== ".");
  if (segments.includes("..")) return openPaths.some((path) => segments.includes(path.split("/")[2]));
  return openPaths.includes("/" + segments[0] + "/" + segments[1] + "/");
}

// Not decodeURIComponent, which fails for the whole path where one part is wrong. Only ASCII counts here.
function decoded(text) {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

// A browser sends one cookie of this name. If there are two, neither is used.
function isToken(cookie) {
  return Boolean(cookie) && !cookie.multiValue && cookie.value.length <= maxCookieBytes && jwt.test(cookie.value);
}

// Older browsers send no Sec-Fetch-Site. They send Origin with every method except GET and HEAD.
function isFromTheSite(request) {
  const site = value(request, "sec-fetch-site");
  if (site) return site === "same-origin" || site === "none";
  const origin = value(request, "origin");
  if (origin) return origin === "https://" + value(request, "host") || extraOrigins.includes(origin);
  return request.method === "GET" || request.method === "HEAD";
}

function value(request, name) {
  const header = request.headers[name];
  return header && (header.multiValue ? "several" : header.value);
}
