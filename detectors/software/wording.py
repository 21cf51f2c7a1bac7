"""What evidence, limits and verdicts are called, in every language."""

from __future__ import annotations

from collections.abc import Mapping

from detectors.software.facts import Evidence, Limit

Text = tuple[str, str]
"""English, Chinese."""

RULES: Mapping[str, Text] = {
    "known-bad": ("Its hash is on a list of malicious files", "文件哈希在恶意文件清单中"),
    "name.near": ("Its name is taken for one that everybody knows", "名称与知名软件包极其相似"),
    "archive.traversal": ("A member's name leads out of the archive's folder", "成员名称指向归档目录之外"),
    "archive.absolute": ("A member's name is an absolute path", "成员名称是绝对路径"),
    "archive.link": ("A link leads out of the archive", "链接指向归档之外"),
    "archive.device": ("A member is a device", "成员是设备文件"),
    "archive.fifo": ("A member is a pipe, which blocks whoever reads it", "成员是管道，会使读取者阻塞"),
    "archive.bidi": ("A member's name changes the direction of text, so that it is read as another",
                     "成员名称改变文字方向，看起来像另一个名称"),
    "archive.mismatch": ("Two places in the ZIP disagree about a member", "ZIP 中两处对同一成员的描述不一致"),
    "archive.overlap": ("Members of the ZIP share bytes", "ZIP 的成员共用同一段字节"),
    "archive.twice": ("Two members have one name", "两个成员同名"),
    "archive.zip64": ("The ZIP64 record contradicts the record beside it", "ZIP64 记录与相邻记录矛盾"),
    "archive.local": ("A listed member is not where the ZIP says", "目录中的成员不在所述位置"),
    "archive.setuid": ("A member would run with another user's rights", "成员带有 setuid 或 setgid 权限"),
    "archive.trailing": ("Bytes stand behind the end of the archive", "归档末尾之后还有数据"),
    "archive.before": ("Bytes stand before the first member", "第一个成员之前还有数据"),
    "archive.count": ("The ZIP declares another number of members", "ZIP 声明的成员数量与实际不符"),
    "archive.disks": ("The ZIP says that it is a part of several", "ZIP 自称是分卷之一"),
    "archive.control": ("A member's name has control characters", "成员名称含控制字符"),
    "archive.password": ("Encrypted with a word that samples are passed around under",
                         "以样本交换惯用的口令加密"),
    "binary.packed": ("A program in it is packed or encrypted", "其中的程序被加壳或加密"),
    "binary.inject": ("A program in it can write code into other programs", "其中的程序可向其他进程注入代码"),
    "binary.keys": ("A program in it can read keys and use the network", "其中的程序可记录按键并访问网络"),
    "binary.fetches": ("A program in it can fetch a file and run it", "其中的程序可下载文件并运行"),
    "binary.writable-code": ("A program in it has code that it can change", "其中的程序含有可写的代码段"),
    "binary.signature": ("The signature of a program is not that of its content", "程序的签名与内容不符"),
    "binary.preload": ("A library puts itself before functions that show files, users or connections",
                       "动态库替换了显示文件、用户或连接的系统函数"),
    "binary.broken": ("A file begins like a program and is none that can be read", "文件以程序标识开头但结构无法读取"),
    "macro.starts": ("A macro starts a program when the document is opened", "宏在打开文档时启动程序"),
    "macro.fetches": ("A macro uses the network when the document is opened", "宏在打开文档时访问网络"),
    "macro.fetches-and-starts": ("A macro or script fetches and starts something", "宏或脚本下载并启动程序"),
    "macro.code": ("A macro writes machine code into memory", "宏向内存写入机器码"),
    "macro.hidden": ("A macro puts its texts together so that nobody reads them", "宏以拼接方式隐藏文本"),
    "macro.shell": ("A macro holds a command line as droppers use it", "宏含有投放程序惯用的命令行"),
    "macro.drop": ("A macro names a service that stolen things are sent to", "宏涉及常被用于回传数据的匿名服务"),
    "macro.program-url": ("A macro names a program on the network", "宏含有可执行程序的网址"),
    "macro.bare-address": ("A macro names a server by its address alone", "宏以裸地址访问服务器"),
    "since.hook": ("It runs something when it is installed that the release before did not",
                   "与上一版本相比，新增安装时执行的命令"),
    "since.ability": ("It can do something that the release before could not", "与上一版本相比，新增危险能力"),
    "since.program": ("It carries a program, and the release before carried none", "与上一版本相比，新增可执行程序"),
    "since.size": ("It has grown tenfold since the release before", "体积比上一版本增长十倍以上"),
    "pdf.launch": ("The document starts a program", "文档会启动程序"),
    "pdf.script-at-open": ("The document runs a script when it is opened", "文档在打开时运行脚本"),
    "pdf.script": ("The document holds a script", "文档含有脚本"),
    "pdf.carries-program": ("The document carries a program", "文档携带程序"),
    "hook.install": ("It runs a command when it is installed", "安装时执行命令"),
    "hook.fetches": ("What runs when it is installed fetches or evaluates code", "安装脚本会下载或动态执行代码"),
    "hook.drop": ("What runs when it is installed names a service that stolen things are sent to",
                  "安装脚本涉及常被用于回传数据的匿名服务"),
    "hook.stores": ("What runs when it is installed names a place where secrets lie",
                    "安装脚本涉及存放密钥或凭据的位置"),
    "hook.shell": ("What runs when it is installed is a command line as droppers use it",
                   "安装脚本含有投放程序惯用的命令行"),
}  # fmt: skip

CODE: Mapping[str, Text] = {
    "exec-fetched": ("It runs as code what it has fetched", "把从网络取得的内容当作代码执行"),
    "exec-input": ("It runs what a visitor sends: a web shell", "执行访问者发来的内容（网页后门）"),
    "exec-decoded": ("It runs as code what it has decoded", "把解码得到的内容当作代码执行"),
    "install-process": ("It starts a program when it is installed", "安装时启动程序"),
    "install-network": ("It uses the network when it is installed", "安装时访问网络"),
    "install-decoded": ("It decodes something when it is installed", "安装时解码内容"),
    "import-process": ("It starts a program when it is imported", "导入时启动程序"),
    "import-network": ("It uses the network when it is imported", "导入时访问网络"),
    "fetch-and-run": ("One function uses the network and starts a program", "同一函数内访问网络并启动程序"),
    "host-sent": ("One function asks who and where it is and uses the network",
                         "同一函数内收集主机或用户信息并访问网络"),
    "environment-sent": ("It takes the whole environment and uses the network", "读取全部环境变量并访问网络"),
    "stores": ("It names a place where secrets lie, and uses the network", "涉及存放密钥或凭据的位置并访问网络"),
    "drop": ("It names a service that stolen things are sent to", "涉及常被用于回传数据的匿名服务"),
    "shell": ("It holds a command line as droppers use it", "含有投放程序惯用的命令行"),
    "bare-address": ("It names a server by its address alone", "以裸地址访问服务器"),
    "program-url": ("It names a program on the network", "含有可执行程序的网址"),
    "blob": ("It holds a long encoded literal", "含有很长的编码文本"),
    "mangled": ("Its names are made unreadable", "标识符被混淆"),
    "aside": ("Code stands far to the right, where nobody looks", "代码藏在一行很靠右的位置"),
    "native-code": ("It writes machine code into memory", "向内存写入机器码"),
    "capture-sent": ("It watches screen, keys or clipboard and uses the network",
                     "监视屏幕、键盘或剪贴板并访问网络"),
    "startup": ("It writes itself into the system's start", "写入系统启动项"),
    "reverse-shell": ("It connects a shell to the network", "把命令行连接到网络"),
    "module-process": ("A module starts a program when it is imported", "模块被导入时启动程序"),
    "module-network": ("A module uses the network when it is imported", "模块被导入时访问网络"),
    "hidden-name": ("It asks for a built-in function by a name that is made at run time",
                           "用运行时拼出的名称取内置函数"),
    "code-in-text": ("It holds code in text that runs what it fetches or decodes",
                     "文本中藏有下载或解码后执行的代码"),
    "pth": ("A .pth file runs code whenever Python starts", ".pth 文件在 Python 启动时执行代码"),
}  # fmt: skip
"""Of rules whose name begins with a language."""

SECRETS: Mapping[str, str] = {
    "private-key": "private key|私钥", "aws": "AWS", "aliyun": "Alibaba Cloud|阿里云",
    "tencent": "Tencent Cloud|腾讯云",
    "github": "GitHub", "gitlab": "GitLab", "slack": "Slack", "pypi": "PyPI", "npm": "npm", "stripe": "Stripe",
    "google": "Google",
}  # fmt: skip
"""Whose key or token was left in a file; both languages where they differ."""

WHEN: Mapping[str, Text] = {
    "install": ("It calls a function when it is installed", "安装时调用函数"),
    "import": ("It calls a function when it is imported", "导入时调用函数"),
    "module": ("A module calls a function when it is imported", "模块被导入时调用函数"),
    "later": ("It calls a function", "调用函数"),
}
"""Of the rule ``use``, by the moment; the function is what was matched."""

LIMITS: Mapping[str, Text] = {
    "bytes": ("more comes out than is allowed: scan with a larger profile",
              "解出的数据超过上限：可用更大的配置重新扫描"),
    "ratio": ("it grows like a decompression bomb: hand in what is inside", "膨胀比例类似压缩炸弹：请提交其中的内容"),
    "members": ("it has more members than are allowed: hand in smaller archives", "成员数量超过上限：请拆分后提交"),
    "metadata": ("its headers are larger than is allowed", "元数据超过上限"),
    "depth": ("it is nested more deeply than is allowed: hand in what is inside", "嵌套过深：请提交内层文件"),
    "time": ("time was over: scan with a larger profile", "超时：可用更大的配置重新扫描"),
    "path": ("a name is longer than is allowed", "名称过长"),
    "encrypted": ("it is encrypted: give its password", "已加密：请提供口令"),
    "damaged": ("it is damaged or cut off: hand it in again, whole", "已损坏或被截断：请重新提交完整文件"),
    "unsupported": ("its format or method is not read", "不支持的格式或压缩方法"),
    "slow": ("rules ran out of time on it", "部分规则超时"),
    "crash": ("the analysis failed on it, twice", "分析两次失败"),
    "memory": ("it needs more memory than is allowed", "所需内存超过上限"),
    "missing": ("its content is not there", "内容不存在"),
}  # fmt: skip

VERDICTS: Mapping[str, Text] = {
    "malicious": ("malicious", "恶意"), "suspicious": ("suspicious", "可疑"),
    "incomplete": ("incomplete", "未完成"), "clean": ("clean", "未发现问题"),
}  # fmt: skip


def reason(e: Evidence, lang: str) -> str:
    """A sentence for a piece of evidence: a rule's title, or ours."""
    i = lang == "zh"
    if e.rule == "use":
        return f"{WHEN[e.arguments['when']][i]}: {e.matched}"
    kind, _, rest = e.rule.partition(".")
    if kind == "secret":
        whose = SECRETS[rest].split("|")[-1 if i else 0]
        return f"文件中遗留了密钥或令牌：{whose}" if i else f"A key or token was left in a file: {whose}"
    found = RULES.get(e.rule) or CODE.get(e.rule.partition(".")[2])
    if found:
        return found[i]
    return e.arguments.get("title_zh" if i else "title", e.rule)


def limit(limited: Limit, lang: str) -> str:
    return LIMITS[limited.name][lang == "zh"]
