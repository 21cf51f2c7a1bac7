"""Text that people read, in English and Chinese. A key without both is a test failure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

LANGUAGES = ("en", "zh")

TEXT: dict[str, tuple[str, str]] = {
    "about": ("Software security situational awareness and early warning: from a packet to an alert",
              "软件安全态势感知预警平台：从数据包到告警"),
    "exits": ("Exit codes: 0 done; 1 failed; 2 done, but some input could not be read; 3 usage or settings.",
              "退出码：0 完成；1 失败；2 完成，但部分输入无法读取；3 用法或设置错误。"),
    "lang": ("language of what people read: en or zh", "界面语言：en 或 zh"),
    "config": ("settings file (TOML)", "设置文件（TOML）"),
    "analyze": ("alerts in captures and Zeek logs; needs no server", "分析抓包文件与 Zeek 日志并列出告警，无需服务"),
    "decode": ("events in captures and Zeek logs as JSON lines; nothing is stored",
               "把抓包文件与 Zeek 日志解码为 JSON 行事件，不存储"),
    "serve": ("the platform on one machine: watches folders, serves the console and the API",
              "在本机运行平台：监视文件夹，提供控制台与 API"),
    "serve.data": ("folder of everything that is kept", "数据文件夹"),
    "watchdir": ("folder of captures or Zeek logs to read as it fills; may be given several times",
                 "持续读取其中抓包文件与 Zeek 日志的文件夹，可多次指定"),
    "host": ("address to listen on (127.0.0.1)", "监听地址（127.0.0.1）"),
    "port": ("port to listen on (8000)", "监听端口（8000）"),
    "serve.org": ("organisation", "单位"), "serve.sensor": ("sensor (network)", "探针（网络）"),
    "serve.watch": ("watched folders", "监视的文件夹"),
    "serve.disk": ("disk limit of the data folder", "数据文件夹上限"),
    "serve.hunts": ("hunts", "狩猎"),
    "serve.every": ("at most {seconds:g} s after new events", "新事件到达后最多 {seconds:g} 秒"),
    "serve.nothing": ("none (--watch DIR adds one; the console takes files by drag and drop)",
                      "无（可用 --watch DIR 添加；控制台支持拖放文件）"),
    "serve.open": ("{host} is reachable from other machines, without encryption: put a TLS proxy in front",
                   "{host} 可从其他机器访问且未加密：请在前面放置 TLS 代理"),
    "serve.ready": ("Console: {url}", "控制台：{url}"),
    "serve.port": ("cannot listen on {place}: {reason}; choose another with --port or --host",
                   "无法监听 {place}：{reason}；请用 --port 或 --host 另选"),
    "serve.stopping": ("stopping: ending the steps in hand", "正在停止：完成手头的步骤"),
    "serve.stopped": ("stopped; nothing is lost, the next start goes on from here",
                      "已停止；没有数据丢失，下次启动将从此处继续"),
    "collect": ("role: read watched folders and send events to Kafka", "角色：读取所监视的文件夹，把事件送入 Kafka"),
    "detect": ("role: batch detectors (YARA and the like) on Kafka", "角色：在 Kafka 上运行批检测器（YARA 等）"),
    "sink": ("role: write events and findings into the store", "角色：把事件与发现写入存储"),
    "hunt": ("role: run hunts over what was stored", "角色：对已存储的数据执行狩猎"),
    "situation": ("role: alerts, coverage, situation and drafts of warnings", "角色：告警、覆盖、态势与预警草案"),
    "api": ("role: the console and the API, where the other roles are processes of their own",
            "角色：控制台与 API（其他角色在各自进程中运行）"),
    "instance": ("seat of this process among those of its role: who comes back under the same name goes on at once",
                 "本进程在同角色进程中的席位：以同名重启可立即继续"),
    "roles.kafka": ("{role} is a role of its own on Kafka: set kafka_bootstrap, or run everything with `fengsui serve`",
                    "{role} 是 Kafka 上的独立角色：请设置 kafka_bootstrap，或用 `fengsui serve` 在一个进程中运行全部"),
    "roles.nothing": ("nothing to collect from: name a folder, or set [[watch]] in the settings file",
                      "没有可采集的来源：请指定文件夹，或在设置文件中配置 [[watch]]"),
    "roles.ready": ("{role} is at work on {brokers}", "{role} 已在 {brokers} 上运行"),
    "status": ("how a running platform is: roles, lag, problems; exit code 1 if something is wrong",
               "运行中平台的状态：角色、积压、问题；有问题时退出码为 1"),
    "status.none": ("nothing runs on {folder}: start it with `fengsui serve`, or name its folder with --data",
                    "{folder} 上没有运行中的平台：用 `fengsui serve` 启动，或用 --data 指定其文件夹"),
    "status.silent": ("the platform at {url} (process {pid}) does not answer: {reason}",
                      "{url} 的平台（进程 {pid}）没有应答：{reason}"),
    "status.since": ("since {when}", "启动于 {when}"), "status.role": ("role", "角色"),
    "status.idle": ("last step", "上一步"), "status.lag": ("messages waiting", "待处理消息"),
    "status.problem": ("problem", "问题"), "status.stuck": ("makes no progress", "没有进展"),
    "rules": ("test or list the rules", "测试或列出规则"),
    "rules.test": ("run every rule against the samples it must and must not match",
                   "用应命中与不应命中的样本测试每条规则"),
    "rules.list": ("list the rules", "列出规则"),
    "bench": ("print the speed table", "打印速度表"),
    "packets": ("packets of the made capture that is measured", "用于测量的模拟抓包的数据包数"),
    "demo": ("a whole province on this machine with made data", "在本机用模拟数据演示一个省"),
    "demo.once": ("print the alerts and exit", "打印告警后退出"),
    "demo.clean": ("remove the demo's folder", "删除演示文件夹"),
    "demo.folder": ("folder of the demo", "演示文件夹"),
    "warm": ("compile what is compiled once, so that later starts are fast", "预先编译，使以后启动更快"),
    "paths": ("captures (pcap, pcapng), Zeek logs, or folders of them",
              "抓包文件（pcap、pcapng）、Zeek 日志，或其文件夹"),
    "json": ("JSON lines instead of a table", "输出 JSON 行而不是表格"),
    "all": ("add what stays below the alert line", "同时列出未达告警线的发现"),
    "kind": ("only events of this kind", "只输出此类事件"),
    "data": ("folder to keep everything in; a temporary one if not given", "数据文件夹；不指定则使用临时文件夹"),
    "again": ("delete what was read of the same capture or log, and read it anew",
              "删除同一抓包或日志先前读入的数据并重新读取"),
    "indicators": ("list of indicators: a domain, address or network a line", "情报清单：每行一个域名、地址或网段"),
    "rulesdir": ("folder of rules instead of those shipped", "用此规则文件夹代替自带规则"),
    "org": ("organisation that owns the input", "输入数据所属单位"),
    "reading": ("reading", "读取"),
    "hunting": ("hunting over what was stored", "对已存储的数据执行狩猎"),
    "made": ("making the province's traffic", "生成全省模拟流量"),
    "already": ("{place}: already read on {when}, {rows} rows; its alerts are below (--again reads it anew)",
                "{place}：已于 {when} 读取，共 {rows} 行；告警见下（--again 可重新读取）"),
    "fault": ("could not be read: {fault}", "无法读取：{fault}"),
    "listed": ("{place}: not taken: {reason}", "{place}：未采用：{reason}"),
    "more_faults": ("… and {n} more", "…… 另有 {n} 处"),
    "none": ("No alerts in {rows} events.", "{rows} 个事件中没有告警。"),
    "none_below": ("No alerts in {rows} events; {below} finding(s) below the alert line (--all shows them).",
                   "{rows} 个事件中没有告警；有 {below} 项发现低于告警线（--all 可显示）。"),
    "found": ("{n} alert(s) in {rows} events.", "{rows} 个事件中有 {n} 条告警。"),
    "severity": ("severity", "级别"), "rule": ("rule", "规则"), "subject": ("subject", "对象"),
    "what": ("what happened", "情况"), "first": ("first seen", "首次"), "last": ("last seen", "最近"),
    "count": ("events", "事件数"), "org.column": ("organisation", "单位"),
    "sev.0": ("unknown", "未知"), "sev.1": ("info", "信息"), "sev.2": ("low", "低"), "sev.3": ("medium", "中"),
    "sev.4": ("high", "高"), "sev.5": ("critical", "严重"), "sev.6": ("fatal", "致命"),
    "error": ("fengsui: {text}", "fengsui：{text}"),
    "engine": ("what is kept could not be read or written: {reason}", "数据无法读取或写入：{reason}"),
    "rules.ok": ("{ok} of {n} rules pass their samples", "{n} 条规则中 {ok} 条通过样本测试"),
    "rules.none": ("no rules found in {folder}", "{folder} 中没有规则"),
    "cleaned": ("removed {folder}", "已删除 {folder}"),
    "nothing": ("nothing to remove in {folder}", "{folder} 中没有可删除的内容"),
    "foreign": ("{folder} is not a demo's folder: it is left alone", "{folder} 不是演示文件夹，未作改动"),
    "demo.note": ("Made data: the organisations, hosts and attacks below do not exist.",
                  "以下为模拟数据：单位、主机与攻击均不存在。"),
    "demo.organisations": ("made organisations (30)", "模拟单位数（30）"),
    "demo.steps": ("parts that the day comes in (6)", "一天分成的步数（6）"),
    "demo.least": ("--organisations and --steps: at least 1", "--organisations 与 --steps 至少为 1"),
    "demo.hour": ("the made day has reached {hour}", "模拟的一天已到 {hour}"),
    "demo.over": ("the made day is over ({seconds:.0f} s); the console stays up until Ctrl-C",
                  "模拟的一天已结束（{seconds:.0f} 秒）；控制台继续运行，按 Ctrl-C 停止"),
    "demo.end": ("{rows} events of {orgs} made organisations ({packets} packets, {lines} log lines) "
                 "in {seconds:.0f} s; kept in {folder}, `fengsui demo --clean` removes it",
                 "{orgs} 家模拟单位共 {rows} 个事件（{packets} 个数据包、{lines} 行日志），用时 {seconds:.0f} 秒；"
                 "保存在 {folder}，`fengsui demo --clean` 可删除"),
    "warming": ("compiling the packet and log readers once (about a minute; kept on disk)",
                "首次编译数据包与日志读取器（约一分钟，结果保存在磁盘上）"),
    "warmed": ("compiled in {seconds:.0f} s", "编译用时 {seconds:.0f} 秒"),
}  # fmt: skip


def text(key: str, lang: str, **arguments: Any) -> str:
    """The text of a key, filled in."""
    return TEXT[key][LANGUAGES.index(lang)].format(**arguments)


def language(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """The language asked for: ``--lang``, FENGSUI_LANG, the locale. An unknown one is left for the parser."""
    for i, a in enumerate(argv):
        after = "".join(argv[i + 1 : i + 2]) if a == "--lang" else ""
        value = a.partition("=")[2] if a.startswith("--lang=") else after
        if value in LANGUAGES:
            return value
    for name in ("FENGSUI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name, ""):
            return "zh" if environment[name].lower().startswith("zh") else "en"
    return "en"
