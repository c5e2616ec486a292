"""The page of the mailbox. Mails are strangers' bytes: all of it is escaped, HTML lives in a sandbox."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; frame-ancestors 'none'"

_ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
article { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0 }
h2 { font-size: 1.1rem; margin: 0 } dl { margin: .25rem 0; opacity: .8 } dt, dd { display: inline; margin: 0 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit }
iframe { width: 100%; height: 32rem; border: 1px solid #8886; background: #fff }
"""


def with_links(text: str) -> str:
    """Escaped text whose web addresses can be clicked."""
    parts, end = [], 0
    for match in _ADDRESS.finditer(text):
        address = escape(match.group(), quote=True)
        parts += [
            escape(text[end : match.start()]),
            f'<a href="{address}" target="_blank" rel="noopener">{address}</a>',
        ]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def page(mails: Sequence[Mapping[str, Any]]) -> str:
    """All mails, newest first."""
    articles = "\n".join(_article(mail) for mail in reversed(mails)) or "<p>Noch keine Mail. / No mail yet.</p>"
    return f"""<!doctype html>
<html lang="de">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Postfach / Mailbox</title><style>{_STYLE}</style></head>
<body>
<main>
<h1>Postfach <small>({len(mails)})</small></h1>
<p>Alle Mails, die dieses Portal verschickt hat; keine hat den Rechner verlassen.<br>
All mails that this portal sent; none of them left the machine.</p>
{articles}
</main>
</body>
</html>
"""


def _article(mail: Mapping[str, Any]) -> str:
    subject, sender, at = (escape(str(mail[name])) for name in ("subject", "from", "at"))
    recipients = escape(", ".join(mail["to"]))
    html = ""
    if mail["html"]:
        content = escape(mail["html"], quote=True)
        html = f"""<details><summary>HTML</summary><iframe title="{subject}" srcdoc="{content}"
sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe></details>"""
    return f"""<article>
<h2>{subject}</h2>
<dl><dt>An / To:</dt> <dd>{recipients}</dd> · <dt>Von / From:</dt> <dd>{sender}</dd> · <dd><time>{at}</time></dd></dl>
<pre>{with_links(str(mail["text"]))}</pre>
{html}
</article>"""
