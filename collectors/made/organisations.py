"""Thirty organisations that do not exist, spread over the province's cities and sectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

SENSOR = "made"
NETWORK = "lan"

# id, Chinese and English name, city, sector, size (small, medium, large)
_ROWS = """
yunfan    云帆精密制造 Yunfan Precision         hangzhou manufacturing large
lanjing   蓝鲸数据服务 Lanjing Data             hangzhou telecom       large
qingwu    青梧商业银行 Qingwu Bank              hangzhou finance       large
zhiyin    知音在线教育 Zhiyin Learning          hangzhou education     medium
songtao   松涛市民中心 Songtao Citizen Centre   hangzhou government    medium
haiyan    海燕港务     Haiyan Port              ningbo   logistics     large
chaosheng 潮生能源     Chaosheng Energy         ningbo   energy        large
jinfan    锦帆贸易     Jinfan Trading           ningbo   trade         medium
beilun    北轮汽配     Beilun Auto Parts        ningbo   manufacturing medium
talang    踏浪鞋业     Talang Footwear          wenzhou  manufacturing medium
xinglin   杏林春医院   Xinglinchun Hospital     wenzhou  medical       large
yanming   雁鸣文旅     Yanming Tourism          wenzhou  culture       small
yinxing   银杏智能装备 Yinxing Machinery        jiaxing  manufacturing medium
wupeng    乌篷云计算   Wupeng Cloud             jiaxing  telecom       large
zhiyun    织云纺织     Zhiyun Textiles          jiaxing  manufacturing small
zhuhai    竹海新能源   Zhuhai Green Energy      huzhou   energy        medium
hefeng    禾风农业科技 Hefeng Farming           huzhou   agriculture   small
cuiwei    翠微研究院   Cuiwei Institute         huzhou   education     medium
zuiyue    醉月酒业     Zuiyue Breweries         shaoxing manufacturing medium
jinsui    金穗商行     Jinsui Bank              shaoxing finance       medium
cailian   彩练布市     Cailian Fabric Market    shaoxing trade         small
baiwu     百物平台     Baiwu Goods Platform     jinhua   trade         large
huandeng  幻灯影视     Huandeng Studios         jinhua   culture       medium
baicao    百草制药     Baicao Pharma            jinhua   medical       medium
chengjiang 澄江化工    Chengjiang Chemicals     quzhou   manufacturing medium
qianli    千里物流     Qianli Logistics         quzhou   logistics     small
yuhuo     渔火渔业     Yuhuo Fisheries          zhoushan agriculture   small
tingchao  听潮船务     Tingchao Shipping        zhoushan transport     medium
xianzhi   仙芝医药     Xianzhi Medicines        taizhou  medical       medium
qingchuan 晴川政务     Qingchuan Services       lishui   government    small
"""
HOSTS = {"small": 8, "medium": 12, "large": 18}  # hosts that people use


@dataclass(frozen=True)
class Organisation:
    """A made organisation. ``cidr`` is its address space, named ``network``; ``files`` what its sensor has written."""

    id: str
    zh: str
    en: str
    city: str
    sector: str
    size: str
    cidr: str
    network: str = NETWORK
    sensor: str = SENSOR
    files: tuple[Path, ...] = ()

    def address(self, segment: int, host: int) -> str:
        return f"{self.cidr.rsplit('.', 2)[0]}.{segment}.{host}"


def organisations(count: int) -> list[Organisation]:
    """The first ``count``; past thirty the names repeat with a number."""
    rows = [line.split() for line in _ROWS.strip().splitlines()]
    made = []
    for i in range(count):
        row, again = rows[i % len(rows)], i // len(rows)
        key, zh, *words, city, sector, size = row
        number = f"-{again + 1}" if again else ""
        made.append(Organisation(
            id=f"made-{key}{number}", zh=f"{zh}{number}（虚构）", en=f"{' '.join(words)}{number} (made up)", city=city,
            sector=sector, size=size, cidr=f"10.{20 + i % 200}.0.0/16",
        ))  # fmt: skip
    return made


def with_files(organisation: Organisation, files: list[Path]) -> Organisation:
    return replace(organisation, files=tuple(files))
