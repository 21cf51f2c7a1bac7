"""VEX: what is said not to be affected, and why. CycloneDX, OpenVEX, CSAF.

A statement counts for the package URLs that it names, and for nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fengsui.errors import BadInput

_SETTLED = {"not_affected", "false_positive", "resolved", "resolved_with_pedigree", "fixed"}


def read(content: bytes, name: str = "") -> dict[tuple[str, str], str]:
    """Why a vulnerability does not count, by its id and a package URL. Raises BadInput."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as e:
        raise BadInput(f"no JSON: {e}", place=name) from e
    if isinstance(said, dict) and isinstance(said.get("statements"), list):
        return dict(_openvex(said["statements"]))
    if isinstance(said, dict) and said.get("bomFormat") == "CycloneDX":
        return dict(_cyclonedx_vex(said))
    if isinstance(said, dict) and str(_map(said.get("document")).get("category", "")).startswith("csaf_"):
        return dict(_csaf(said))
    raise BadInput("no VEX that is known here (CycloneDX, OpenVEX, CSAF)", place=name)


def _openvex(statements: Sequence[object]) -> Iterator[tuple[tuple[str, str], str]]:
    for s in statements:
        if not isinstance(s, dict) or s.get("status") not in _SETTLED:
            continue
        vulnerability = s.get("vulnerability")
        said = vulnerability if isinstance(vulnerability, dict) else {"name": vulnerability}
        ids = [str(said.get("name") or ""), *map(str, said.get("aliases") or ())]
        why = f"VEX: {s['status']}, {s.get('justification') or s.get('impact_statement') or 'no reason given'}"
        products = [str(p.get("@id") if isinstance(p, dict) else p) for p in s.get("products") or ()]
        holders = [p for p in s.get("products") or () if isinstance(p, dict)]
        inner = [str(c.get("@id")) for p in holders for c in p.get("subcomponents") or () if isinstance(c, dict)]
        for i in filter(None, ids):
            for p in inner or products:
                yield (i, p), why


def _cyclonedx_vex(said: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], str]]:
    from detectors.sbom.read import read

    document = read(json.dumps(said).encode())
    purls = {c.ref: c.purl for c in (*document.components, *([document.subject] if document.subject else []))}
    vulnerabilities = said.get("vulnerabilities")
    for v in vulnerabilities if isinstance(vulnerabilities, list) else ():
        analysis = v.get("analysis") if isinstance(v, dict) else None
        if not isinstance(analysis, dict) or analysis.get("state") not in _SETTLED:
            continue
        reason = analysis.get("justification") or analysis.get("detail") or "no reason given"
        why = f"VEX: {analysis['state']}, {reason}"
        for affected in v.get("affects") or ():
            ref = str(affected.get("ref") if isinstance(affected, dict) else affected)
            bare = ref.rpartition("#")[2] if ref.startswith("urn:cdx:") else ref
            purl = purls.get(bare) or (bare if bare.startswith("pkg:") else "")
            if purl:  # of what nobody here names, nothing is said
                yield (str(v.get("id")), purl), why


_CSAF_SETTLED = ("known_not_affected", "fixed", "first_fixed")
DEEP = 32


def _csaf(said: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """CSAF 2.0: products by their ids in the product tree, statuses and flags in each vulnerability."""
    tree = _map(said.get("product_tree"))
    purls = dict(_products(tree, 0))
    for r in map(_map, _list(tree.get("relationships"))):
        whole = _map(r.get("full_product_name")).get("product_id")
        # of a component in a product: the component counts
        if whole is not None and r.get("product_reference") in purls:
            purls[str(whole)] = purls[str(r["product_reference"])]
    for v in map(_map, _list(said.get("vulnerabilities"))):
        ids = [str(v["cve"])] if v.get("cve") else []
        ids += [str(i.get("text")) for i in map(_map, _list(v.get("ids"))) if i.get("text")]
        labels = {str(p): str(f.get("label")) for f in map(_map,
                                                           _list(v.get("flags"))) for p in _list(f.get("product_ids"))}
        for status in _CSAF_SETTLED:
            for product in map(str, _list(_map(v.get("product_status")).get(status))):
                for i in ids if product in purls else ():
                    yield (i, purls[product]), f"VEX: {status}, {labels.get(product, 'no reason given')}"


def _products(node: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    """Ids of products with the package URL of each that has one."""
    if depth > DEEP:
        raise BadInput(f"a product tree more than {DEEP} deep")
    for product in (*map(_map, _list(node.get("full_product_names"))), _map(node.get("product"))):
        helper = _map(product.get("product_identification_helper"))
        if helper.get("purl"):
            yield str(product.get("product_id")), str(helper["purl"])
    for branch in map(_map, _list(node.get("branches"))):
        yield from _products(branch, depth + 1)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
