"""The HTML of an error page. It needs no other file, so that a page of the team's own cannot break it.

This module imports nothing: handlers import it, and infra/site.py runs it by its path, for the pages that the
distribution shows while no handler answers and for the hash of STYLE in the Content-Security-Policy.
"""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f5f5f3;
  --card: #fff;
  --line: #dcdcd8;
  --text: #1c1c1a;
  --quiet: #5f5f5a;
  --focus: #1f5fd0;
}
@media (prefers-color-scheme: dark) {
  :root { --page: #121312; --card: #1d1e1d; --line: #3f403e; --text: #f3f3f0; --quiet: #b0b0ab; --focus: #8db8ff; }
}
* { box-sizing: border-box; }
body {
  display: grid;
  min-height: 100vh;
  min-height: 100svh;
  margin: 0;
  padding: 1.5rem;
  place-items: center;
  background: var(--page);
  color: var(--text);
  font-family: Pretendard, "Apple SD Gothic Neo", "Noto Sans KR", "Malgun Gothic", system-ui, sans-serif;
  line-height: 1.65;
  letter-spacing: -.01em;
  word-break: keep-all;
  overflow-wrap: anywhere;
}
main { width: 100%; max-width: 27rem; padding: 2.75rem 2.5rem; border-radius: 24px; background: var(--card); }
h1 { margin: 0 0 1rem; font-size: 1.625rem; line-height: 1.35; letter-spacing: -.025em; }
p { margin: .75rem 0 0; }
[lang="en"] { color: var(--quiet); letter-spacing: 0; }
a {
  display: block;
  margin-top: 2rem;
  padding: .8125rem 1rem;
  border: 1px solid var(--line);
  border-radius: 12px;
  color: inherit;
  font-weight: 600;
  text-align: center;
  text-decoration: none;
}
a:hover { border-color: currentColor; }
a:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
@media (max-width: 30rem) {
  body { padding: 0; background: var(--card); }
  main { padding: 2rem 1.5rem; border-radius: 0; }
}
"""


def html(*, title: str, korean: str, english: str, link: str = "다시 시도", link_english: str = "Try again") -> str:
    """Return a page with these texts, which are HTML already, and a link to the page of the site."""
    return f"""<!doctype html>
<html lang="ko">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{korean}</p>
<p lang="en">{english}</p>
<a href="/">{link}&nbsp;·&nbsp;<span lang="en">{link_english}</span></a>
</main>
</body>
</html>
"""


# What the distribution shows where AWS answers in place of a handler, with 500 or 503.
AWS_FAILED = html(
    title="문제가 생겼어요",
    korean="로그인 서비스에 문제가 생겼어요. 잠시 뒤에 다시 시도해 주세요.",
    english="The sign-in service has a problem. Please try again in a moment.",
)
