// Windows programs where none is expected.

rule Program_Behind_Another_Header
{
    meta:
        description = "Windows program behind the header of a picture or document"
        description_zh = "藏在图片或文档文件头之后的 Windows 程序"
        severity = 4
        confidence = 75
        category = "malware/other"
        techniques = "T1027.009 T1036.008"
    strings:
        $program = "This program cannot be run in DOS mode"
        $jpeg = { FF D8 FF }
        $png = { 89 50 4E 47 0D 0A 1A 0A }
        $gif = "GIF8"
        $pdf = "%PDF-"
        $rtf = "{\\rtf"
    condition:
        filesize < 20MB and ($jpeg at 0 or $png at 0 or $gif at 0 or $pdf at 0 or $rtf at 0)
        and for any i in (1..#program) : (
            @program[i] > 78 and uint16(@program[i] - 78) == 0x5A4D
        )
}

rule Program_As_Base64
{
    meta:
        description = "Text that holds a Windows program in base64"
        description_zh = "内含 Base64 编码 Windows 程序的文本"
        severity = 4
        confidence = 70
        category = "malware/other"
        techniques = "T1027.013 T1140"
    strings:
        $start = /TV(qQAAM|pQAAI|oAAAA|pBUlV|roAAA)[A-Za-z0-9+\/]{40}/ ascii wide
        $stub = "This program cannot be run in DOS mode" base64 base64wide
    condition:
        filesize < 10MB and uint16(0) != 0x5A4D and ($start and $stub)
}
