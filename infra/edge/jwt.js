// Viewer request, /api/*: where the request comes from the site itself, the cookie with the ID token becomes the bearer
// token that the API's JWT authorizer reads. `authPath`, `extraOrigins`, `idCookie` and `maxCookieBytes` are declared in
// front of this file when it is deployed.
//
// The token is sent on once, as cookie or as bearer: API Gateway takes 10,240 bytes of request line and headers. Below
// /api/auth/ no route has the authorizer, and the routes there read the cookies.

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
  return !request.headers.authorization && !request.uri.startsWith(authPath);
}

// A second cookie of this name, which no browser sends, makes both worthless.
function isToken(cookie) {
  return Boolean(cookie) && !cookie.multiValue && cookie.value.length <= maxCookieBytes && jwt.test(cookie.value);
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
