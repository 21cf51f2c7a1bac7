// Scripts whose work is to fetch something and run it.

rule PowerShell_Fetches_And_Runs
{
    meta:
        description = "PowerShell that fetches code and runs it"
        description_zh = "下载并执行代码的 PowerShell 脚本"
        severity = 4
        confidence = 75
        category = "malware/other"
        techniques = "T1059.001 T1105"
    strings:
        $fetch1 = ".DownloadString(" ascii wide nocase
        $fetch2 = ".DownloadData(" ascii wide nocase
        $fetch3 = "Invoke-WebRequest" ascii wide nocase
        $fetch4 = "Invoke-RestMethod" ascii wide nocase
        $run1 = /\bIEX\b/ ascii wide nocase
        $run2 = "Invoke-Expression" ascii wide nocase
        $run3 = "[Reflection.Assembly]::Load(" ascii wide nocase
        $hide1 = /-w(indowstyle)?\s+hidden/ ascii wide nocase
        $hide2 = "FromBase64String(" ascii wide nocase
        $hide3 = /-e(xecutionpolicy|p)\s+bypass/ ascii wide nocase
        $hide4 = "AmsiUtils" ascii wide nocase
    condition:
        filesize < 2MB and any of ($fetch*) and any of ($run*) and any of ($hide*)
}

rule Script_Host_Dropper
{
    meta:
        description = "Windows script that fetches a file and starts it"
        description_zh = "下载文件并启动的 Windows 脚本"
        severity = 4
        confidence = 80
        category = "malware/other"
        techniques = "T1059.005 T1059.007 T1105"
    strings:
        $shell = "WScript.Shell" ascii wide nocase
        $http1 = "MSXML2.XMLHTTP" ascii wide nocase
        $http2 = "MSXML2.ServerXMLHTTP" ascii wide nocase
        $http3 = "WinHttp.WinHttpRequest" ascii wide nocase
        $save1 = "ADODB.Stream" ascii wide nocase
        $save2 = "SaveToFile" ascii wide nocase
        $run = /\.(Run|Exec)\b/ ascii wide nocase
    condition:
        filesize < 1MB and $shell and any of ($http*) and all of ($save*) and $run
}

rule Shell_Pipes_Download_Into_Shell
{
    meta:
        description = "Shell script that fetches a program into a hidden or temporary place and starts it"
        description_zh = "下载程序到临时目录并执行的 Shell 脚本"
        severity = 4
        confidence = 65
        category = "malware/other"
        techniques = "T1059.004 T1105"
    strings:
        $start = "#!/bin/"
        $fetch = /(curl|wget|tftp)\s[^\n]{0,200}https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/
        $place = /cd\s+\/(tmp|var\/run|dev\/shm|var\/tmp|mnt)/
        $mode = /chmod\s+(\+x|[0-7]{3,4})/
        $gone = /rm\s+-rf?\s+[^\n]{1,80}/
    condition:
        filesize < 200KB and $start at 0 and #fetch > 0 and $place and $mode and $gone
}
