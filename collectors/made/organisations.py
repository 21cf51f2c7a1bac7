"""Thirty organisations that do not exist, spread over the province's cities and sectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from fengsui.registry.organisations import Entry, Size

SENSOR = "made"
NETWORK = "lan"

# id, Chinese and English name, city, sector, size (small, medium, large), level of protection (! critical)
_ROWS = """
yunfan    云帆精密制造 Yunfan Precision         hangzhou manufacturing large  2
lanjing   蓝鲸数据服务 Lanjing Data             hangzhou telecom       large  3
qingwu    青梧商业银行 Qingwu Bank              hangzhou finance       large  4!
zhiyin    知音在线教育 Zhiyin Learning          hangzhou education     medium 2
songtao   松涛市民中心 Songtao Citizen Centre   hangzhou government    medium 3
haiyan    海燕港务     Haiyan Port              ningbo   logistics     large  3
chaosheng 潮生能源     Chaosheng Energy         ningbo   energy        large  4!
jinfan    锦帆贸易     Jinfan Trading           ningbo   trade         medium 2
beilun    北轮汽配     Beilun Auto Parts        ningbo   manufacturing medium 2
talang    踏浪鞋业     Talang Footwear          wenzhou  manufacturing medium 1
xinglin   杏林春医院   Xinglinchun Hospital     wenzhou  medical       large  3
yanming   雁鸣文旅     Yanming Tourism          wenzhou  culture       small  1
yinxing   银杏智能装备 Yinxing Machinery        jiaxing  manufacturing medium 2
wupeng    乌篷云计算   Wupeng Cloud             jiaxing  telecom       large  3
zhiyun    织云纺织     Zhiyun Textiles          jiaxing  manufacturing small  1
zhuhai    竹海新能源   Zhuhai Green Energy      huzhou   energy        medium 3
hefeng    禾风农业科技 Hefeng Farming           huzhou   agriculture   small  1
cuiwei    翠微研究院   Cuiwei Institute         huzhou   education     medium 2
zuiyue    醉月酒业     Zuiyue Breweries         shaoxing manufacturing medium 2
jinsui    金穗商行     Jinsui Bank              shaoxing finance       medium 3
cailian   彩练布市     Cailian Fabric Market    shaoxing trade         small  1
baiwu     百物平台     Baiwu Goods Platform     jinhua   trade         large  2
huandeng  幻灯影视     Huandeng Studios         jinhua   culture       medium 2
baicao    百草制药     Baicao Pharma            jinhua   medical       medium 2
chengjiang 澄江化工    Chengjiang Chemicals     quzhou   manufacturing medium 3
qianli    千里物流     Qianli Logistics         quzhou   logistics     small  2
yuhuo     渔火渔业     Yuhuo Fisheries          zhoushan agriculture   small  1
tingchao  听潮船务     Tingchao Shipping        zhoushan transport     medium 2
xianzhi   仙芝医药     Xianzhi Medicines        taizhou  medical       medium 2
qingchuan 晴川政务     Qingchuan Services       lishui   government    small  2
"""
SILENT = "made-yanming"  # its sensor has never sent anything
HOSTS: dict[str, int] = {"small": 8, "medium": 12, "large": 18}  # hosts that people use


@dataclass(frozen=True)
class Organisation:
    """A made organisation. ``cidr`` is its address space, named ``network``; ``files`` what its sensor has written."""

    id: str
    zh: str
    en: str
    city: str
    sector: str
    size: Size
    cidr: str
    protection_level: int = 2
    critical: bool = False
    network: str = NETWORK
    sensor: str = SENSOR
    files: tuple[Path, ...] = ()

    def address(self, segment: int, host: int) -> str:
        return f"{self.cidr.rsplit('.', 2)[0]}.{segment}.{host}"

    def entry(self) -> Entry:
        """As the registry keeps it."""
        return Entry(self.id, self.zh, self.en, self.city, self.sector, self.size, self.protection_level, self.critical)


def organisations(count: int) -> list[Organisation]:
    """The first ``count``; past thirty the names repeat with a number."""
    rows = [line.split() for line in _ROWS.strip().splitlines()]
    made = []
    for i in range(count):
        row, again = rows[i % len(rows)], i // len(rows)
        key, zh, *words, city, sector, size, level = row
        number = f"-{again + 1}" if again else ""
        made.append(Organisation(
            id=f"made-{key}{number}", zh=f"{zh}{number}（虚构）", en=f"{' '.join(words)}{number} (made up)", city=city,
            sector=sector, size=cast(Size, size), cidr=f"10.{20 + i % 200}.0.0/16", protection_level=int(level[0]),
            critical=level.endswith("!"),
        ))  # fmt: skip
    return made


def with_files(organisation: Organisation, files: list[Path]) -> Organisation:
    return replace(organisation, files=tuple(files))
