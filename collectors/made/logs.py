"""Made logs in Zeek's form: lines collected by log, written in the order of their times."""

from __future__ import annotations

from pathlib import Path

_ID = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p "
FIELDS = {
    "conn": _ID + "proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes "
            "history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents",
    "dns": _ID + "proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers "
           "TTLs rejected",
    "http": _ID + "trans_depth method host uri referrer version user_agent origin request_body_len "
            "response_body_len status_code status_msg username resp_mime_types",
    "ssl": _ID + "version cipher curve server_name resumed next_protocol established ja3 ja3s",
}  # fmt: skip
_HEAD = ("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
         "#path\t{path}\n#fields\t{fields}\n")  # fmt: skip
CIPHER = "TLS_AES_128_GCM_SHA256"
QNUMBERS = {"A": 1, "AAAA": 28, "TXT": 16}

Ends = tuple[str, int, str, int]  # originator, its port, responder, its port


def seconds(us: int) -> str:
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"


class Logs:
    """The logs of one organisation's sensor. ``prefix`` tells its uids from those of others."""

    def __init__(self, prefix: str) -> None:
        self._prefix, self._count = prefix, 0
        self.lines: dict[str, list[tuple[int, str]]] = {log: [] for log in FIELDS}

    def conn(self, ts: int, ends: Ends, took: float, sent: int, got: int, *, service: str = "-", proto: str = "tcp",
             state: str = "SF", history: str = "ShADadFf", packets: int = 0, answers: int = 0) -> str:  # fmt: skip
        """A connection of ``took`` seconds; returns its head (time, uid, ends) for lines of other logs about it."""
        self._count += 1
        head = f"{seconds(ts)}\tC{self._prefix}{self._count:07x}\t{ends[0]}\t{ends[1]}\t{ends[2]}\t{ends[3]}"
        a = packets or 4 + sent // 1400
        b = answers if packets else 4 + got // 1400
        over = 28 if proto == "udp" else 40
        self.lines["conn"].append((ts, (
            f"{head}\t{proto}\t{service}\t{took:.6f}\t{sent}\t{got}\t{state}\t{'T' if ends[0][:3] == '10.' else 'F'}\t"
            f"{'T' if ends[2][:3] == '10.' else 'F'}\t0\t{history}\t{a}\t{sent + over * a}\t{b}\t{got + over * b}\t-\n"
        )))  # fmt: skip
        return head

    def dns(self, ts: int, ends: Ends, name: str, qtype: str, answer: str, trans_id: int) -> None:
        """A query over UDP with one answer, or NXDOMAIN where it is empty."""
        head = self.conn(ts, ends, 0.004, 17 + len(name), 33 + len(name) + len(answer), service="dns", proto="udp",
                         history="Dd", packets=1, answers=1)  # fmt: skip
        code = "0\tNOERROR" if answer else "3\tNXDOMAIN"
        self.lines["dns"].append((ts, (
            f"{head}\tudp\t{trans_id}\t0.004000\t{name}\t1\tC_INTERNET\t{QNUMBERS[qtype]}\t{qtype}\t{code}\tF\tF\tT\tT\t0\t"
            f"{answer or '-'}\t{'300.000000' if answer else '-'}\tF\n"
        )))  # fmt: skip

    def tls(self, ts: int, ends: Ends, took: float, sent: int, got: int, sni: str, ja3: str) -> None:
        head = self.conn(ts, ends, took, sent, got, service="ssl")
        self.lines["ssl"].append((ts, f"{head}\tTLSv13\t{CIPHER}\tx25519\t{sni}\tF\th2\tT\t{ja3}\t-\n"))

    def http(self, ts: int, ends: Ends, took: float, sent: int, got: int, request: tuple[str, str, str, str]) -> None:
        """``request``: method, host, target, user agent."""
        head = self.conn(ts, ends, took, sent, got, service="http")
        method, host, uri, agent = request
        self.lines["http"].append((ts, f"{head}\t1\t{method}\t{host}\t{uri}\t-\t1.1\t{agent}\t-\t0\t{max(0, got - 300)}"
                                       "\t200\tOK\t-\ttext/html\n"))  # fmt: skip

    def write(self, folder: Path) -> list[Path]:
        """Write the logs that have lines; their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for log, lines in self.lines.items():
            if lines:
                path = folder / f"{log}.log"
                head = _HEAD.format(path=log, fields=FIELDS[log].replace(" ", "\t"))
                path.write_bytes((head + "".join(line for _, line in sorted(lines))).encode())
                paths.append(path)
        return paths

    def __len__(self) -> int:
        return sum(map(len, self.lines.values()))
