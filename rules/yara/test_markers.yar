// Files that say of themselves that they are tests. Finding one shows that carving and scanning work.

rule Antivirus_Test_File
{
    meta:
        description = "Antivirus test file"
        description_zh = "反病毒测试文件（EICAR）"
        severity = 3
        confidence = 100
        category = "malware/other"
        techniques = ""
    strings:
        $marker = { 45 49 43 41 52 2D 53 54 41 4E 44 41 52 44 2D 41 4E 54 49 56 49 52 55 53 2D 54 45 53 54 2D 46 49 4C 45 21 }
        $start = "X5O!P%@AP"
    condition:
        $start at 0 and $marker in (20..80) and filesize < 200
}

rule Fengsui_Made_Sample
{
    meta:
        description = "Made sample of the demonstration"
        description_zh = "演示用的无害样本"
        severity = 4
        confidence = 90
        category = "malware/other"
        techniques = "T1105"
    strings:
        $marker = "FENGSUI-MADE-SAMPLE"
    condition:
        $marker in (0..4096)
}
