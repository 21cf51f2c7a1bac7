"""Words of the trade: what malicious software names whatever it is written in."""

from __future__ import annotations

import re

STORES = re.compile(
    r"Login Data|Local Storage[\\/]+leveldb|[\\/]User Data|wallet\.dat|\.aws[\\/]+credentials|\.ssh[\\/]+id_|"
    r"\bid_rsa\b|\.npmrc|\.pypirc|cookies\.sqlite|logins\.json|\.git-credentials|\.kube[\\/]+config|Exodus|MetaMask|"
    r"nkbihfbeogaeaoehlefnkodbefgpgknn|discord(?:canary|ptb)?[\\/]|/etc/shadow|key4\.db", re.IGNORECASE)  # fmt: skip
"""Where secrets lie: browsers, wallets, keys of developers."""
DROPS = re.compile(
    r"discord(?:app)?\.com/api/webhooks|api\.telegram\.org/bot|webhook\.site|pipedream\.net|\.oast(?:ify)?\.|"
    r"burpcollaborator|interact\.sh|requestbin|transfer\.sh|anonfiles|gofile\.io|pastebin\.com/raw|"
    r"ngrok(?:-free)?\.(?:io|app)|cdn\.discordapp\.com/attachments|\.trycloudflare\.com|paste\.ee/r|rentry\.co|"
    r"canarytokens|paste\.fo/raw", re.IGNORECASE)  # fmt: skip
"""Where stolen things are sent and second stages fetched: services that anybody may use without a name."""
SHELL = re.compile(
    r"powershell[^\n]{0,80}-(?:e|en|enc|encodedcommand|w|windowstyle)\b|(?:curl|wget)\s[^\n|]{0,200}\|\s*(?:ba)?sh\b|"
    r"bash\s+-i\s*>&\s*/dev/tcp|/dev/tcp/\d|IEX\s*\(|DownloadString|certutil\s+-urlcache|mshta\s+http|"
    r"schtasks\s+/create|CurrentVersion\\+Run\b|crontab\s+-|Start Menu\\+Programs\\+Startup",
    re.IGNORECASE)  # fmt: skip
"""Command lines that fetch and run, hide a window or stay."""
BARE = re.compile(r"https?://\d{1,3}(?:\.\d{1,3}){3}")
LOCAL = re.compile(r"//(?:127\.|0\.0\.0\.0|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.)")
PROGRAM = re.compile(r"https?://[^\s'\"]+\.(?:exe|scr|bat|ps1|vbs|dll|msi|sh|elf|bin|apk)\b", re.IGNORECASE)
CODE = re.compile(
    r"\b(?:exec|eval)\s*\(\s*(?:urlopen|urllib|requests|__import__|base64|zlib|marshal|compile|bytes|b64decode|"
    r"Fernet)\b")  # fmt: skip
"""Code that is hidden in text, to be written to a file or given to another interpreter."""
FOREIGN = re.compile(r"[^\W\x00-\x7f]{16,}")
"""A name of many letters, none of them Latin: no language's identifiers are that long, made ones are."""
BLOB = re.compile(r"[A-Za-z0-9+/=_\-\s]+|(?:\\x[0-9a-fA-F]{2})+|[0-9a-fA-F]+")
MANGLED = re.compile(rb"\b(?:_0x[0-9a-f]{4,}|[IlO1]{8,}|_{3,}[0-9a-zA-Z]{6,}_*|[oO0]{8,})\b")
ASIDE = re.compile(rb"^[^\n#'\"]{0,200}?[ \t]{150,}+[^\s#][^\n]*", re.MULTILINE)
"""Code far to the right of other code."""

HINTS: dict[re.Pattern[str], tuple[bytes, ...]] = {
    STORES: (b"login data", b"local storage", b"user data", b"wallet.dat", b".aws", b".ssh", b"id_rsa", b".npmrc",
             b".pypirc", b"cookies.sqlite", b"logins.json", b".git-credentials", b".kube", b"exodus", b"metamask",
             b"nkbihfbeogaeaoehlefnkodbefgpgknn", b"discord", b"/etc/shadow", b"key4.db"),
    DROPS: (b"api/webhooks", b"api.telegram.org", b"webhook.site", b"pipedream.net", b".oast", b"burpcollaborator",
            b"interact.sh", b"requestbin", b"transfer.sh", b"anonfiles", b"gofile.io", b"pastebin.com", b"ngrok",
            b"cdn.discordapp", b"trycloudflare", b"paste.ee", b"rentry.co", b"canarytokens", b"paste.fo"),
    SHELL: (b"powershell", b"curl", b"wget", b"/dev/tcp", b"iex", b"downloadstring", b"certutil", b"mshta", b"schtasks",
            b"currentversion", b"crontab", b"start menu"),
    CODE: (b"exec", b"eval"), PROGRAM: (b"http",), BARE: (b"http",),
}  # fmt: skip
"""Of what a pattern matches, in lower case, one of these is a part: they are looked for first, for looking for a word
is much faster than for a pattern."""


def hinted(pattern: re.Pattern[str], lower: bytes) -> bool:
    """Whether the pattern can match anywhere in a text, which is given in lower case."""
    return any(word in lower for word in HINTS[pattern])
