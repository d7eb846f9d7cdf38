// Viewer request, /api/*: the session's cookie becomes the bearer token that the API's JWT authorizer reads, where the
// request comes from the site itself. `extraOrigins` is declared in front of this file when it is deployed.
//
// The cookie's value is sent on once, as the one or as the other: API Gateway takes 10,240 bytes of request line and
// headers. Below /api/auth/ no route has the authorizer, and the cookies are what the routes there read.

const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const longest = 4096; // the most that a browser keeps in a cookie

function handler(event) {
  const request = event.request;
  const cookie = request.cookies["__Host-id"];
  if (isForTheAuthorizer(request) && isToken(cookie) && isFromTheSite(request)) {
    request.headers.authorization = { value: "Bearer " + cookie.value };
    delete request.cookies["__Host-id"];
  }
  return request;
}

function isForTheAuthorizer(request) {
  return !request.headers.authorization && !request.uri.startsWith("/api/auth/");
}

// A second cookie of this name, which no browser sends, makes both worthless.
function isToken(cookie) {
  return Boolean(cookie) && !cookie.multiValue && cookie.value.length <= longest && jwt.test(cookie.value);
}

// Browsers that send no Sec-Fetch-Site send an Origin with all but GET and HEAD.
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
