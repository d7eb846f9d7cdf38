// CloudFront function, viewer request, every path outside /api: a route of the page, such as /board/7 or
// /user/kim.haneul, gets /index.html. A path whose name ends with a known file extension is a file, whether it exists or
// not. A page of its own, such as /about.html or /about/index.html, is reached at /about too. Only the path decides,
// never a header: CloudFront caches the answer under the path that this function returns.
// The deployment declares `files` before this code.

function handler(event) {
  const request = event.request;
  const path = request.uri;
  if (!isFile(path)) request.uri = files.pages[path.replace(/\/$/, "")] || "/index.html";
  return request;
}

function isFile(path) {
  if (files.folders.some((folder) => path.startsWith(folder)) || files.names.includes(path)) return true;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 && files.extensions.includes(name.slice(dot + 1).toLowerCase());
}
