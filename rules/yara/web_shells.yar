// Pages that run what a visitor sends them.

rule PHP_Runs_What_Is_Sent
{
    meta:
        description = "PHP page that runs what a visitor sends"
        description_zh = "执行访客所发内容的 PHP 页面（网页后门）"
        severity = 5
        confidence = 80
        category = "attack/backdoor_use"
        techniques = "T1505.003"
    strings:
        $php = "<?php" nocase
        $direct = /\b(eval|assert|system|passthru|shell_exec|popen|proc_open|exec)\s*\(\s*(\(\s*string\s*\)\s*)?@?\$_(GET|POST|REQUEST|COOKIE)\s*\[/ nocase
        $decoded = /\b(eval|assert)\s*\(\s*(base64_decode|gzinflate|str_rot13|gzuncompress)\s*\(\s*@?\$_(GET|POST|REQUEST|COOKIE)/ nocase
        $called = /\$_(GET|POST|REQUEST|COOKIE)\s*\[[^\]]{1,40}\]\s*\(\s*@?\$_(GET|POST|REQUEST|COOKIE)/ nocase
    condition:
        filesize < 1MB and $php and any of ($direct, $decoded, $called)
}

rule JSP_Runs_What_Is_Sent
{
    meta:
        description = "JSP page that runs a command from the request"
        description_zh = "执行请求中命令的 JSP 页面（网页后门）"
        severity = 5
        confidence = 75
        category = "attack/backdoor_use"
        techniques = "T1505.003"
    strings:
        $page = "<%"
        $direct = /getRuntime\s*\(\s*\)\s*\.\s*exec\s*\([^;\n]{0,60}request\s*\.\s*getParameter/
        $builder = /new\s+ProcessBuilder\s*\([^;\n]{0,120}request\s*\.\s*getParameter/
        $loader = /defineClass\s*\([^;\n]{0,200}/
        $decode = /(BASE64Decoder|Base64\.getDecoder|Cipher\.getInstance)/
        $sent = /request\s*\.\s*get(Reader|InputStream)\s*\(/
    condition:
        filesize < 1MB and $page and ($direct or $builder or ($loader and $decode and $sent))
}
