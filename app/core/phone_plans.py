"""Calling codes and lengths of national phone numbers, enough to turn what people write into E.164.

Facts from the ITU's national numbering plans (E.164); lengths are those of the national significant number. A number of a
country not listed is accepted in international form only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhonePlan:
    """How numbers of one country are dialled: `trunk` is what stands before national numbers ("" = nothing)."""

    code: str
    trunk: str
    shortest: int
    longest: int

    @property
    def significant(self) -> str:
        """The national significant number as a regular expression (the same text works in Python, RE2, Java and PostgreSQL)."""
        if self.code == "1":
            return "[2-9][0-9]{2}[2-9][0-9]{6}"
        first = "[1-9]" if self.trunk == "0" else "[0-9]"
        return f"{first}[0-9]{{{self.shortest - 1},{self.longest - 1}}}"


def _plans(text: str) -> dict[str, PhonePlan]:
    plans = {}
    for entry in text.split():
        country, code, trunk, shortest, longest = entry.split(":")
        plans[country] = PhonePlan(code, trunk, int(shortest), int(longest))
    return plans


PLANS = _plans(
    """
    US:1:1:10:10 CA:1:1:10:10 GB:44:0:9:10 DE:49:0:6:13 AT:43:0:7:13 CH:41:0:9:9 LI:423::7:9 FR:33:0:9:9 IT:39::6:11
    ES:34::9:9 PT:351::9:9 NL:31:0:9:9 BE:32:0:8:9 LU:352::5:11 DK:45::8:8 SE:46:0:7:10 NO:47::8:8 FI:358:0:5:12
    IS:354::7:9 IE:353:0:7:10 PL:48::9:9 CZ:420::9:9 SK:421:0:9:9 HU:36:06:8:9 RO:40:0:9:9 BG:359:0:7:9 GR:30::10:10
    CY:357::8:8 MT:356::8:8 HR:385:0:8:9 SI:386:0:8:8 RS:381:0:7:10 BA:387:0:8:9 MK:389:0:8:8 AL:355:0:8:9 ME:382:0:8:8
    EE:372::7:8 LV:371::8:8 LT:370:0:8:8 UA:380:0:9:9 TR:90:0:10:10 RU:7:8:10:10 KZ:7:8:10:10 IL:972:0:8:9 AE:971:0:8:9
    SA:966:0:8:9 EG:20:0:8:10 MA:212:0:9:9 ZA:27:0:9:9 NG:234:0:8:10 KE:254:0:9:9 IN:91:0:10:10 PK:92:0:9:10 BD:880:0:8:10
    CN:86:0:7:11 HK:852::8:8 TW:886:0:8:9 JP:81:0:9:10 KR:82:0:8:10 SG:65::8:8 MY:60:0:8:10 TH:66:0:8:9 VN:84:0:9:10
    PH:63:0:8:10 ID:62:0:8:12 AU:61:0:9:9 NZ:64:0:8:10 BR:55:0:10:11 AR:54:0:10:11 MX:52::10:10 CL:56::9:9 CO:57::8:10
    PE:51:0:8:9
    """
)

_BY_CODE = {plan.code: plan for plan in PLANS.values()}

KNOWN_CODES = "|".join(sorted(_BY_CODE))
"""All listed calling codes as one alternative; no calling code begins with another one."""

ZERO_TRUNK_CODES = "|".join(sorted(code for code, plan in _BY_CODE.items() if plan.trunk == "0"))
"""Codes after which a written trunk zero (+49 (0)30 ...) is wrong and dropped."""

VALID = r"[+](?:" + "|".join(f"{code}{plan.significant}" for code, plan in sorted(_BY_CODE.items())) + ")"
"""A whole E.164 number of a listed country."""

UNLISTED = r"[+][2-9][0-9]{7,14}"
"""A whole E.164 number of any other country."""
