// Viewer request, all of the site but /api: a path of the page, such as /board/7, is answered by the page itself.
// A name with an extension is a file.

function handler(event) {
  const request = event.request;
  const name = request.uri.slice(request.uri.lastIndexOf("/") + 1);
  if (!name.includes(".")) request.uri = "/index.html";
  return request;
}
