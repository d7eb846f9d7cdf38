// Viewer request, all of the site but /api: an address of the page, such as /board/7 or /user/kim.haneul, is answered by
// the page itself. A path is a file's if its name ends with the extension of one, whether the file is there or not.
// The path alone decides, and no header, because CloudFront keeps what it answers under the path that is left here.
// `files` is declared in front of this file when it is deployed.

function handler(event) {
  const request = event.request;
  if (!isFile(request.uri)) request.uri = "/index.html";
  return request;
}

function isFile(path) {
  if (files.folders.some((folder) => path.startsWith(folder)) || files.names.includes(path)) return true;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 && files.extensions.includes(name.slice(dot + 1).toLowerCase());
}
